USE [DEMO_CT]]'S__new_20261122T010000]
GO
SELECT 'DT', N'', N'', x.name, 1 FROM sys.triggers x WHERE x.parent_class = 0 AND x.is_disabled = 0 UNION ALL SELECT 'TR', s.name, t.name, x.name, 1 FROM sys.triggers x JOIN sys.tables t ON t.object_id = x.parent_id JOIN sys.schemas s ON s.schema_id = t.schema_id WHERE x.is_disabled = 0 UNION ALL SELECT 'FK', s.name, t.name, x.name, 1 - CONVERT(int, x.is_not_trusted) FROM sys.foreign_keys x JOIN sys.tables t ON t.object_id = x.parent_object_id JOIN sys.schemas s ON s.schema_id = t.schema_id WHERE x.is_disabled = 0 UNION ALL SELECT 'CK', s.name, t.name, x.name, 1 - CONVERT(int, x.is_not_trusted) FROM sys.check_constraints x JOIN sys.tables t ON t.object_id = x.parent_object_id JOIN sys.schemas s ON s.schema_id = t.schema_id WHERE x.is_disabled = 0
GO
DISABLE TRIGGER ALL ON DATABASE
GO
IF OBJECT_ID(N'[ipfx_failover].[copy]') IS NOT NULL DROP TABLE [ipfx_failover].[copy]
GO
IF OBJECT_ID(N'[ipfx_failover].[switched_off]') IS NOT NULL DROP TABLE [ipfx_failover].[switched_off]
GO
IF OBJECT_ID(N'[ipfx_failover].[numbers_left]') IS NOT NULL DROP TABLE [ipfx_failover].[numbers_left]
GO
IF OBJECT_ID(N'[ipfx_failover].[conversion]') IS NOT NULL DROP TABLE [ipfx_failover].[conversion]
GO
IF OBJECT_ID(N'[ipfx_failover].[copy]') IS NULL CREATE TABLE [ipfx_failover].[copy] (run_id nvarchar(64) NOT NULL PRIMARY KEY, taken_at datetime2(3) NULL, version bigint NULL)
GO
IF OBJECT_ID(N'[ipfx_failover].[switched_off]') IS NULL CREATE TABLE [ipfx_failover].[switched_off] (kind char(2) NOT NULL, schema_name nvarchar(128) NOT NULL, table_name nvarchar(128) NOT NULL, name nvarchar(128) NOT NULL, is_trusted bit NOT NULL)
GO
IF OBJECT_ID(N'[ipfx_failover].[numbers_left]') IS NULL CREATE TABLE [ipfx_failover].[numbers_left] (schema_name nvarchar(128) NOT NULL, name nvarchar(128) NOT NULL)
GO
IF OBJECT_ID(N'[ipfx_failover].[conversion]') IS NULL CREATE TABLE [ipfx_failover].[conversion] (schema_name nvarchar(128) NOT NULL, table_name nvarchar(128) NOT NULL, column_name nvarchar(128) NOT NULL, begins nvarchar(4000) NOT NULL, becomes nvarchar(4000) NOT NULL)
GO
INSERT INTO [ipfx_failover].[switched_off] (kind, schema_name, table_name, name, is_trusted) VALUES ('DT', N'', N'', N'no ]tables', 1), ('TR', N'odd ]one', N'pet''s', N'tr''1', 1), ('TR', N'odd ]one', N'pet''s', N'tr 2', 1), ('TR', N'dbo', N't', N'tr', 1), ('FK', N'odd ]one', N'pet''s', N'fk]1', 1), ('FK', N'odd ]one', N'pet''s', N'fk 2', 0), ('CK', N'dbo', N't', N'ck', 1)
GO
INSERT INTO [ipfx_failover].[copy] (run_id) VALUES (N'20261122T010000')
GO
SELECT OBJECT_ID(N'[ipfx_failover].[copy]')
GO
SELECT run_id, CASE WHEN taken_at IS NULL THEN 0 ELSE 1 END, version FROM [ipfx_failover].[copy]
GO
ALTER DATABASE [DEMO_CT]]'S__new_20261122T010000] SET AUTO_CLOSE OFF, AUTO_UPDATE_STATISTICS_ASYNC OFF, RECOVERY SIMPLE
GO
SELECT kind, schema_name, table_name, name, is_trusted FROM [ipfx_failover].[switched_off]
GO
ALTER TABLE [odd ]]one].[pet's] DISABLE TRIGGER [tr'1], [tr 2]
GO
ALTER TABLE [dbo].[t] DISABLE TRIGGER [tr]
GO
ALTER TABLE [odd ]]one].[pet's] NOCHECK CONSTRAINT [fk]]1], [fk 2]
GO
ALTER TABLE [dbo].[t] NOCHECK CONSTRAINT [ck]
GO
SELECT name, type, sid FROM sys.database_principals WHERE type IN ('S', 'U', 'G') AND principal_id > 4 AND sid IS NOT NULL AND (type <> 'S' OR DATALENGTH(sid) <= 16)
GO
SELECT name, type, sid FROM sys.server_principals WHERE type IN ('S', 'U', 'G')
GO
ALTER USER [us]]er] WITH LOGIN = [log'in]
GO
SELECT name FROM sys.server_principals WHERE sid = 0x01
GO
ALTER AUTHORIZATION ON DATABASE::[DEMO_CT]]'S__new_20261122T010000] TO [sa]
