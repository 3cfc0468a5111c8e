SET LOCK_TIMEOUT 500
GO
SELECT user_access_desc FROM sys.databases WHERE database_id = DB_ID()
GO
SELECT s.name, t.name, y.name, CONVERT(int, c.precision), CAST(ISNULL(c.last_value, c.seed_value) AS decimal(38, 0)), CAST(c.increment_value AS decimal(38, 0)) FROM sys.identity_columns c JOIN sys.tables t ON t.object_id = c.object_id JOIN sys.schemas s ON s.schema_id = t.schema_id JOIN sys.types y ON y.user_type_id = c.system_type_id
GO
DBCC CHECKIDENT (N'[odd ]]one].[pet''s]', RESEED, 100525) WITH NO_INFOMSGS
GO
SELECT OBJECT_ID(N'sys.sequences')
GO
SELECT s.name, q.name, CAST(q.current_value AS decimal(38, 0)), CAST(q.increment AS decimal(38, 0)), CAST(q.minimum_value AS decimal(38, 0)), CAST(q.maximum_value AS decimal(38, 0)) FROM sys.sequences q JOIN sys.schemas s ON s.schema_id = q.schema_id
GO
SELECT OBJECT_ID(N'[ipfx_failover].[numbers_left]')
GO
SELECT schema_name, name FROM [ipfx_failover].[numbers_left]
GO
DELETE FROM [ipfx_failover].[numbers_left]
GO
INSERT INTO [ipfx_failover].[numbers_left] VALUES (N'odd ]one', N'pet''s')
GO
UPDATE [ipfx_failover].[copy] SET taken_at = SYSUTCDATETIME(), version = (SELECT MAX(version) FROM [ipfx_failover].[watermark]) WHERE taken_at IS NULL
GO
UPDATE [ipfx_failover].[copy] SET version = (SELECT MAX(version) FROM [ipfx_failover].[watermark]) WHERE taken_at IS NULL AND EXISTS (SELECT 1 FROM [ipfx_failover].[watermark] WHERE version IS NOT NULL); UPDATE [ipfx_failover].[watermark] SET version = NULL
GO
UPDATE [ipfx_failover].[copy] SET version = NULL WHERE taken_at IS NULL
GO
ENABLE TRIGGER [no ]]tables] ON DATABASE;
ALTER TABLE [odd ]]one].[pet's] ENABLE TRIGGER [tr'1], [tr 2];
ALTER TABLE [dbo].[t] ENABLE TRIGGER [tr];
ALTER TABLE [odd ]]one].[pet's] WITH NOCHECK CHECK CONSTRAINT [fk]]1], [fk 2];
ALTER TABLE [dbo].[t] WITH NOCHECK CHECK CONSTRAINT [ck]
GO
UPDATE [ipfx_failover].[watermark] SET version = (SELECT version FROM [ipfx_failover].[copy]) WHERE EXISTS (SELECT 1 FROM [ipfx_failover].[copy] WHERE taken_at IS NOT NULL)
GO
UPDATE [ipfx_failover].[copy] SET taken_at = NULL, version = NULL
