IF SCHEMA_ID(N'ipfx_failover') IS NULL EXEC (N'CREATE SCHEMA [ipfx_failover]')
GO
IF OBJECT_ID(N'[ipfx_failover].[watermark]') IS NULL CREATE TABLE [ipfx_failover].[watermark] (id int NOT NULL PRIMARY KEY, version bigint NULL, recovery_fork_guid uniqueidentifier NOT NULL, database_guid uniqueidentifier NOT NULL, run_id nvarchar(64) NOT NULL, converted_at datetime2(3) NOT NULL)
GO
DELETE FROM [ipfx_failover].[watermark]; INSERT INTO [ipfx_failover].[watermark] (id, version, recovery_fork_guid, database_guid, run_id, converted_at) VALUES (1, 41, N'6F9619FF-8B86-D011-B42D-00C04FC964FF', N'0E984725-C51C-4BF4-9960-E1C80E27ABA0', N'20261122T010000000', SYSUTCDATETIME())
GO
DELETE FROM [ipfx_failover].[watermark]; INSERT INTO [ipfx_failover].[watermark] (id, version, recovery_fork_guid, database_guid, run_id, converted_at) VALUES (1, NULL, N'6F9619FF-8B86-D011-B42D-00C04FC964FF', N'0E984725-C51C-4BF4-9960-E1C80E27ABA0', N'20261122T010000000', SYSUTCDATETIME())
GO
SELECT OBJECT_ID(N'[ipfx_failover].[watermark]')
GO
IF OBJECT_ID(N'[ipfx_failover].[tracked]') IS NULL CREATE TABLE [ipfx_failover].[tracked] (schema_name nvarchar(128) NOT NULL, table_name nvarchar(128) NOT NULL, begin_version bigint NOT NULL, keeper nvarchar(64) NOT NULL)
GO
DELETE FROM [ipfx_failover].[tracked] WHERE schema_name = N'odd ] one' AND table_name = N'call''s'; INSERT INTO [ipfx_failover].[tracked] VALUES (N'odd ] one', N'call''s', 41, N'1237579447 2026-11-22T01:00:00')
GO
DELETE FROM [ipfx_failover].[tracked] WHERE schema_name = N'odd ] one' AND table_name = N'call''s'
GO
SELECT OBJECT_ID(N'[ipfx_failover].[tracked]')
GO
SELECT schema_name, table_name, begin_version, keeper FROM [ipfx_failover].[tracked]
GO
IF OBJECT_ID(N'[ipfx_failover].[watermark]') IS NOT NULL DROP TABLE [ipfx_failover].[watermark]
GO
IF OBJECT_ID(N'[ipfx_failover].[tracked]') IS NOT NULL DROP TABLE [ipfx_failover].[tracked]
GO
IF SCHEMA_ID(N'ipfx_failover') IS NOT NULL DROP SCHEMA [ipfx_failover]
