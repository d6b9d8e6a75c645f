# A throw-away Request Tracker on loopback: SQLite, no mail, no logs but standard error. Everything variable comes from the environment.
Set($rtname, 'testbed');
Set($Organization, 'desk.example');
Set($WebDomain, '127.0.0.1');
Set($WebPort, $ENV{TESTBED_PORT});
Set($WebPath, '');
Set($Timezone, 'Europe/London');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, "$ENV{TESTBED_HOME}/rt.sqlite3");
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
Set($SendmailPath, '/bin/true');
Set($MailCommand, 'sendmailpipe');
Set($RTAddressRegexp, '^rt@desk\.example$');
Set($OwnerEmail, 'root@desk.example');
Set($DisableGD, 1);
Set($WebSecureCookies, 0);
Set($BcryptCost, 4);    # a token is checked at every request; at the usual cost of 12 that takes 0.2 s
Set(%PriorityAsString, Default => { P5 => 0, P4 => 25, P3 => 50, P2 => 75, P1 => 100 });
$RT::MasonDataDir = "$ENV{TESTBED_HOME}/mason";
$RT::MasonSessionDir = "$ENV{TESTBED_HOME}/session";
1;
