SELECT s.name, t.name, c.name, y.name, CONVERT(int, c.max_length), CONVERT(int, c.is_computed) FROM sys.columns c JOIN sys.tables t ON t.object_id = c.object_id JOIN sys.schemas s ON s.schema_id = t.schema_id JOIN sys.types y ON y.user_type_id = c.system_type_id ORDER BY s.name, t.name, c.column_id
GO
SELECT COUNT(*) FROM [odd ]]one].[pet's] WHERE (LEFT(CAST([wav]]] AS nvarchar(max)), 6) = N'C:\VM\' OR LEFT(CAST([wav]]] AS nvarchar(max)), 10) = N'C:\VM\o''k\') AND LEN(CASE WHEN LEFT(CAST([wav]]] AS nvarchar(max)), 10) = N'C:\VM\o''k\' THEN LEFT(CAST([wav]]] AS nvarchar(max)), 0) + N'E:\' + SUBSTRING(CAST([wav]]] AS nvarchar(max)), 11, 2147483647) WHEN LEFT(CAST([wav]]] AS nvarchar(max)), 6) = N'C:\VM\' THEN LEFT(CAST([wav]]] AS nvarchar(max)), 6) + N'DEMO\VM\' + SUBSTRING(CAST([wav]]] AS nvarchar(max)), 7, 2147483647) ELSE CAST([wav]]] AS nvarchar(max)) END) > 40
GO
SELECT COUNT(*) FROM [odd ]]one].[pet's] WHERE LEFT(CAST([wav]]] AS nvarchar(max)), 6) = N'C:\VM\' OR LEFT(CAST([wav]]] AS nvarchar(max)), 10) = N'C:\VM\o''k\'
GO
UPDATE [odd ]]one].[pet's] SET [wav]]] = CASE WHEN LEFT(CAST([wav]]] AS nvarchar(max)), 10) = N'C:\VM\o''k\' THEN LEFT(CAST([wav]]] AS nvarchar(max)), 0) + N'E:\' + SUBSTRING(CAST([wav]]] AS nvarchar(max)), 11, 2147483647) WHEN LEFT(CAST([wav]]] AS nvarchar(max)), 6) = N'C:\VM\' THEN LEFT(CAST([wav]]] AS nvarchar(max)), 6) + N'DEMO\VM\' + SUBSTRING(CAST([wav]]] AS nvarchar(max)), 7, 2147483647) ELSE CAST([wav]]] AS nvarchar(max)) END WHERE LEFT(CAST([wav]]] AS nvarchar(max)), 6) = N'C:\VM\' OR LEFT(CAST([wav]]] AS nvarchar(max)), 10) = N'C:\VM\o''k\'
GO
INSERT INTO [ipfx_failover].[conversion] VALUES (N'odd ]one', N'pet''s', N'wav]', N'C:\VM\o''k\', N'E:\')
GO
SELECT OBJECT_ID(N'[ipfx_failover].[conversion]')
GO
SELECT schema_name, table_name, column_name, begins, becomes FROM [ipfx_failover].[conversion]
GO
UPDATE [odd ]]one].[pet's] SET [wav]]] = CASE WHEN LEFT(CAST([wav]]] AS nvarchar(max)), 14) = N'C:\VM\DEMO\VM\' THEN LEFT(CAST([wav]]] AS nvarchar(max)), 6) + N'' + SUBSTRING(CAST([wav]]] AS nvarchar(max)), 15, 2147483647) WHEN LEFT(CAST([wav]]] AS nvarchar(max)), 3) = N'E:\' THEN LEFT(CAST([wav]]] AS nvarchar(max)), 0) + N'C:\VM\o''k\' + SUBSTRING(CAST([wav]]] AS nvarchar(max)), 4, 2147483647) ELSE CAST([wav]]] AS nvarchar(max)) END WHERE LEFT(CAST([wav]]] AS nvarchar(max)), 14) = N'C:\VM\DEMO\VM\' OR LEFT(CAST([wav]]] AS nvarchar(max)), 3) = N'E:\'
GO
DELETE FROM [ipfx_failover].[conversion]
