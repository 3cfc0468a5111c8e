SELECT CASE WHEN t.database_id IS NULL THEN 0 ELSE 1 END, CASE WHEN d.snapshot_isolation_state = 1 THEN 1 ELSE 0 END FROM sys.databases d LEFT JOIN sys.change_tracking_databases t ON t.database_id = d.database_id WHERE d.database_id = DB_ID()
GO
SELECT retention_period, CONVERT(int, retention_period_units), CONVERT(int, is_auto_cleanup_on) FROM sys.change_tracking_databases WHERE database_id = DB_ID()
GO
ALTER DATABASE [CT]]SERVER] SET ALLOW_SNAPSHOT_ISOLATION ON
GO
ALTER DATABASE [CT]]SERVER] SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 7 DAYS, AUTO_CLEANUP = ON)
GO
ALTER TABLE [odd ]] one].[call's] ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = OFF)
GO
SELECT s.name, t.name, CONVERT(int, c.is_track_columns_updated_on) FROM sys.change_tracking_tables c JOIN sys.tables t ON t.object_id = c.object_id JOIN sys.schemas s ON s.schema_id = t.schema_id
GO
ALTER DATABASE [CT]]SERVER] SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 36 HOURS, AUTO_CLEANUP = OFF)
GO
ALTER TABLE [odd ]] one].[call's] ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = ON)
GO
DECLARE @since bigint = @version; SELECT COUNT(*) FROM CHANGETABLE(CHANGES [odd ]] one].[call's], @since) c
GO
ALTER TABLE [odd ]] one].[call's] DISABLE CHANGE_TRACKING
GO
ALTER DATABASE [CT]]SERVER] SET CHANGE_TRACKING = OFF
GO
ALTER DATABASE [CT]]SERVER] SET ALLOW_SNAPSHOT_ISOLATION OFF
