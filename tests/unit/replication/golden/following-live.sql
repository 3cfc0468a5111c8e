SELECT CHANGE_TRACKING_CURRENT_VERSION(), CONVERT(nvarchar(36), recovery_fork_guid), CONVERT(nvarchar(36), database_guid) FROM sys.database_recovery_status WHERE database_id = DB_ID()
GO
SELECT COUNT(*), SUM(CONVERT(bigint, object_id)), SUM(CONVERT(bigint, CONVERT(binary(8), modify_date))) FROM sys.tables
GO
SELECT s.name, t.name, c.name, COALESCE(b.name, u.name), CONVERT(int, c.max_length), CONVERT(int, c.precision), CONVERT(int, c.scale), c.collation_name, CONVERT(int, c.is_identity), CONVERT(int, c.is_computed), COALESCE(COLUMNPROPERTY(c.object_id, c.name, 'GeneratedAlwaysType'), 0), CONVERT(int, k.key_ordinal) FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id JOIN sys.columns c ON c.object_id = t.object_id LEFT JOIN sys.types b ON b.user_type_id = c.system_type_id LEFT JOIN sys.types u ON u.user_type_id = c.user_type_id LEFT JOIN (SELECT i.object_id, x.column_id, x.key_ordinal FROM sys.indexes i JOIN sys.index_columns x ON x.object_id = i.object_id AND x.index_id = i.index_id WHERE i.is_primary_key = 1) k ON k.object_id = c.object_id AND k.column_id = c.column_id WHERE t.is_ms_shipped = 0 ORDER BY s.name, t.name, c.column_id
GO
SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION
GO
SELECT s.name, t.name, c.begin_version, ISNULL(CONVERT(nvarchar(11), i.object_id) + N' ' + CONVERT(nvarchar(23), i.create_date, 126), N''), c.min_valid_version FROM sys.change_tracking_tables c JOIN sys.tables t ON t.object_id = c.object_id JOIN sys.schemas s ON s.schema_id = t.schema_id LEFT JOIN sys.internal_tables i ON i.parent_id = c.object_id AND i.internal_type = 209
GO
DECLARE @since bigint = @version; SELECT 0 WHERE EXISTS (SELECT 1 FROM CHANGETABLE(CHANGES [odd ]] one].[call's], @since) c) UNION ALL SELECT 1 WHERE EXISTS (SELECT 1 FROM CHANGETABLE(CHANGES [dbo].[other], @since) c)
GO
DECLARE @since bigint = @version; SELECT CASE WHEN b.[id] IS NULL THEN 1 ELSE 0 END, ISNULL(b.[id], c.[id]), CONVERT(nvarchar(41), ISNULL(b.[at], c.[at]), 126), CONVERT(varbinary(200), CONVERT(nvarchar(100), b.[text])), CONVERT(varbinary(max), b.[path]), CONVERT(varbinary(max), CONVERT(nvarchar(max), b.[more])), CONVERT(varbinary(max), b.[place]), CONVERT(nvarchar(41), CONVERT(decimal(19, 4), b.[cost])) FROM CHANGETABLE(CHANGES [odd ]] one].[call's], @since) c LEFT JOIN [odd ]] one].[call's] b ON b.[id] = c.[id] AND b.[at] = c.[at]
GO
SELECT 0, CONVERT(nvarchar(41), b.[id]) FROM [dbo].[other] b
GO
COMMIT TRANSACTION; SET TRANSACTION ISOLATION LEVEL READ COMMITTED
