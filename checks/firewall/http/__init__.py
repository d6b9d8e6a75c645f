"""What asking a firewall's API needs: its log-ins, and the way from what was sent to a document."""
