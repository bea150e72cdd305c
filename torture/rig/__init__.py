"""What every programme is made of: server, vendor, proxy, clients, and the audit of the database."""
