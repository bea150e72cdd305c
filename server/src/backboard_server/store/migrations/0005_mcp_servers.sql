-- What using MCP servers needs: which ones the threads of an assistant use.

-- [{"name", "url", "allowed_tools", "sealed_headers", "header_names"}, …]; the headers are sealed by the server's secret.
ALTER TABLE assistants ADD COLUMN mcp_servers jsonb;
