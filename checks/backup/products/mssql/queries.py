"""The questions that msdb and the catalogue views are asked, in T-SQL. Nothing but SELECT, each with a TOP.

Every column is converted to bigint or nvarchar: those two are all that has to come over the wire. Numbers are put in
by `format`, and are numbers.
"""

from __future__ import annotations

SETTINGS = (
    "SET NOCOUNT ON; SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED; SET LOCK_TIMEOUT 5000; SET DEADLOCK_PRIORITY LOW"
)
"""No shared locks, so that no backup has to wait for us to write its history; and of a deadlock we are the victim."""
PAGE = 5_000
MOST_DATABASES = 5_000
MOST_JOBS = 2_000
MOST_REPLICAS = 500
MOST_HISTORY = 5_000
MOST_RESTORES = 5_000

SERVER = """
SELECT CONVERT(nvarchar(128), @@SERVERNAME) AS name,
       CONVERT(nvarchar(128), SERVERPROPERTY('ServerName')) AS actual,
       CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')) AS version,
       CONVERT(nvarchar(33), GETDATE(), 126) AS local_now,
       CONVERT(nvarchar(33), GETUTCDATE(), 126) AS utc_now,
       CONVERT(bigint, HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW ANY DATABASE')) AS sees_databases
"""
DATABASES = """
SELECT TOP ({most}) CONVERT(nvarchar(128), d.name) AS name, CONVERT(bigint, d.state) AS state,
       CONVERT(bigint, d.is_read_only) AS read_only, CONVERT(bigint, d.recovery_model) AS recovery,
       CONVERT(nvarchar(36), d.group_database_id) AS in_group, CONVERT(nvarchar(128), g.name) AS group_name,
       CONVERT(nvarchar(33), d.create_date, 126) AS created,
       CONVERT(nvarchar(33), CONVERT(datetime, DATABASEPROPERTYEX(d.name, N'LastGoodCheckDbTime')), 126) AS checked
FROM sys.databases AS d
LEFT JOIN sys.availability_databases_cluster AS c ON c.group_database_id = d.group_database_id
LEFT JOIN sys.availability_groups AS g ON g.group_id = c.group_id
WHERE d.name <> N'tempdb' AND d.source_database_id IS NULL ORDER BY d.name
"""
REPLICAS = """
SELECT TOP ({most}) CONVERT(nvarchar(128), g.name) AS group_name,
       CONVERT(nvarchar(256), r.replica_server_name) AS replica
FROM sys.availability_replicas AS r JOIN sys.availability_groups AS g ON g.group_id = r.group_id ORDER BY g.name
"""
EXTENT = """
SELECT (SELECT CONVERT(bigint, MIN(b.backup_set_id)) FROM msdb.dbo.backupset AS b
        WHERE b.backup_finish_date >= '{since}') AS first_id,
       (SELECT CONVERT(bigint, MAX(b.backup_set_id)) FROM msdb.dbo.backupset AS b) AS last_id
"""
"""Where the history begins that is read; both come from an index."""
BACKUPS = """
SELECT TOP ({most}) CONVERT(bigint, b.backup_set_id) AS id, CONVERT(nvarchar(36), b.backup_set_uuid) AS uuid,
       CONVERT(nvarchar(128), b.database_name) AS [database], CONVERT(nvarchar(1), b.type) AS type,
       CONVERT(nvarchar(33), b.backup_start_date, 126) AS started,
       CONVERT(nvarchar(33), b.backup_finish_date, 126) AS finished, CONVERT(bigint, b.time_zone) AS quarters,
       CONVERT(bigint, b.backup_size) AS size, CONVERT(bigint, b.compressed_backup_size) AS written,
       CONVERT(bigint, b.is_copy_only) AS copy_only, CONVERT(bigint, b.is_damaged) AS damaged,
       CONVERT(bigint, b.is_snapshot) AS snapshot, CONVERT(nvarchar(25), b.first_lsn) AS first_lsn,
       CONVERT(nvarchar(25), b.last_lsn) AS last_lsn, CONVERT(nvarchar(36), b.differential_base_guid) AS base,
       CONVERT(nvarchar(36), b.last_recovery_fork_guid) AS fork, CONVERT(nvarchar(128), b.user_name) AS who,
       CONVERT(bigint, m.device_type) AS device, CONVERT(nvarchar(260), m.physical_device_name) AS device_name
FROM msdb.dbo.backupset AS b
LEFT JOIN msdb.dbo.backupmediafamily AS m ON m.media_set_id = b.media_set_id AND m.family_sequence_number = 1
     AND m.mirror = 0 AND m.media_count = 1
WHERE b.backup_set_id > {after}
  AND b.server_name IN (@@SERVERNAME, CONVERT(nvarchar(128), SERVERPROPERTY('ServerName')))
ORDER BY b.backup_set_id
"""
"""A restore puts a row there too, of the server that the backup came from: those are not backups of this one."""
RESTORES = """
SELECT TOP ({most}) CONVERT(bigint, r.restore_history_id) AS id,
       CONVERT(nvarchar(33), r.restore_date, 126) AS restored,
       CONVERT(nvarchar(128), r.destination_database_name) AS destination,
       CONVERT(nvarchar(1), r.restore_type) AS type, CONVERT(bigint, r.recovery) AS recovered,
       CONVERT(nvarchar(128), b.server_name) AS server, CONVERT(nvarchar(128), b.database_name) AS [database],
       CONVERT(nvarchar(33), b.backup_start_date, 126) AS started,
       CONVERT(nvarchar(33), b.backup_finish_date, 126) AS finished, CONVERT(bigint, b.time_zone) AS quarters,
       CONVERT(bigint, b.backup_size) AS size, CONVERT(bigint, b.has_backup_checksums) AS checksums
FROM msdb.dbo.restorehistory AS r JOIN msdb.dbo.backupset AS b ON b.backup_set_id = r.backup_set_id
WHERE r.restore_history_id > {after} AND r.restore_date >= '{since}' ORDER BY r.restore_history_id DESC
"""
JOBS = """
SELECT TOP ({most}) CONVERT(nvarchar(128), j.name) AS name, CONVERT(bigint, j.enabled) AS enabled,
       CONVERT(bigint, s.last_run_outcome) AS outcome, CONVERT(nvarchar(400), s.last_outcome_message) AS message,
       CONVERT(bigint, s.last_run_date) AS run_date, CONVERT(bigint, s.last_run_time) AS run_time,
       CONVERT(bigint, s.last_run_duration) AS duration, CONVERT(bigint, n.schedules) AS schedules,
       CONVERT(bigint, n.next_run) AS next_run
FROM msdb.dbo.sysjobs AS j
LEFT JOIN msdb.dbo.sysjobservers AS s ON s.job_id = j.job_id AND s.server_id = 0
LEFT JOIN (SELECT k.job_id, COUNT(*) AS schedules,
                  MIN(CASE WHEN k.next_run_date > 0
                      THEN CONVERT(bigint, k.next_run_date) * 1000000 + k.next_run_time END) AS next_run
           FROM msdb.dbo.sysjobschedules AS k
           JOIN msdb.dbo.sysschedules AS c ON c.schedule_id = k.schedule_id AND c.enabled = 1
           GROUP BY k.job_id) AS n ON n.job_id = j.job_id
ORDER BY j.name
"""
HISTORY = """
SELECT TOP ({most}) CONVERT(bigint, h.instance_id) AS id, CONVERT(nvarchar(128), j.name) AS name,
       CONVERT(bigint, h.run_status) AS outcome, CONVERT(nvarchar(400), h.message) AS message,
       CONVERT(bigint, h.run_date) AS run_date, CONVERT(bigint, h.run_time) AS run_time,
       CONVERT(bigint, h.run_duration) AS duration
FROM msdb.dbo.sysjobhistory AS h JOIN msdb.dbo.sysjobs AS j ON j.job_id = h.job_id
WHERE h.step_id = 0 AND h.instance_id > {after} AND h.run_date >= {day} ORDER BY h.instance_id DESC
"""
"""Step 0 is the job as a whole."""
RUNNING = """
SELECT TOP ({most}) CONVERT(nvarchar(128), j.name) AS name,
       CONVERT(nvarchar(33), a.start_execution_date, 126) AS started
FROM msdb.dbo.sysjobactivity AS a JOIN msdb.dbo.sysjobs AS j ON j.job_id = a.job_id
WHERE a.session_id = (SELECT MAX(t.session_id) FROM msdb.dbo.syssessions AS t)
  AND a.start_execution_date IS NOT NULL AND a.stop_execution_date IS NULL ORDER BY j.name
"""
TABLES = {
    "backupset": "SELECT on msdb.dbo.backupset and msdb.dbo.backupmediafamily",
    "restorehistory": "SELECT on msdb.dbo.restorehistory and msdb.dbo.backupset",
    "sysjobs": "SELECT on msdb.dbo.sysjobs, sysjobservers, sysjobschedules, sysschedules, sysjobhistory, "
    "sysjobactivity and syssessions",
    "databases": "VIEW ANY DATABASE",
    "replicas": "VIEW ANY DEFINITION",
}
"""What to grant where a question about these is refused."""
