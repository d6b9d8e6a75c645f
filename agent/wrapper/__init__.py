"""What wraps a backup on its own machine (`ridgeway backup run`): it tells the agent, and is never in the backup's way.

Nothing here needs the agent, its estate or root, and nothing heavy is imported: cron starts it again and again.
"""
