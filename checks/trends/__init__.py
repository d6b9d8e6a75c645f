"""How daily peaks are kept, and where they lead: for every domain that wants to know when something will be full."""
