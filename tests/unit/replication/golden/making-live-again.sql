SELECT recovery_model_desc, page_verify_option_desc, is_auto_close_on, is_auto_shrink_on, is_auto_update_stats_async_on, is_trustworthy_on, is_db_chaining_on, is_read_committed_snapshot_on, CASE WHEN snapshot_isolation_state IN (1, 3) THEN 1 ELSE 0 END, is_broker_enabled, CONVERT(int, compatibility_level), ISNULL(SUSER_SNAME(owner_sid), N'') FROM sys.databases WHERE name = N'DEMO_CT]''S__new_20261122T010000'
GO
ALTER TABLE [odd ]]one].[pet's] WITH CHECK CHECK CONSTRAINT [fk]]1]
GO
SELECT c.name, s.name, t.name, r.name FROM sys.foreign_key_columns k JOIN sys.columns c ON c.object_id = k.parent_object_id AND c.column_id = k.parent_column_id JOIN sys.tables t ON t.object_id = k.referenced_object_id JOIN sys.schemas s ON s.schema_id = t.schema_id JOIN sys.columns r ON r.object_id = k.referenced_object_id AND r.column_id = k.referenced_column_id WHERE k.constraint_object_id = OBJECT_ID(N'[odd ]]one].[fk]]1]') ORDER BY k.constraint_column_id
GO
SELECT COUNT(*) FROM [odd ]]one].[pet's] c WHERE c.[a'] IS NOT NULL AND c.[b] IS NOT NULL AND NOT EXISTS (SELECT 1 FROM [dbo].[t] p WHERE p.[k]]] = c.[a'] AND p.[l] = c.[b])
GO
SELECT definition FROM sys.check_constraints WHERE object_id = OBJECT_ID(N'[dbo].[ck]')
GO
SELECT COUNT(*) FROM [dbo].[t] WHERE NOT (([age]<(100)))
GO
ALTER DATABASE [DEMO_CT]]'S__new_20261122T010000] SET RECOVERY FULL
GO
ALTER DATABASE [DEMO_CT]]'S__new_20261122T010000] SET PAGE_VERIFY CHECKSUM
GO
ALTER DATABASE [DEMO_CT]]'S__new_20261122T010000] SET AUTO_CLOSE ON
GO
ALTER DATABASE [DEMO_CT]]'S__new_20261122T010000] SET AUTO_SHRINK ON
GO
ALTER DATABASE [DEMO_CT]]'S__new_20261122T010000] SET AUTO_UPDATE_STATISTICS_ASYNC ON
GO
ALTER DATABASE [DEMO_CT]]'S__new_20261122T010000] SET TRUSTWORTHY ON
GO
ALTER DATABASE [DEMO_CT]]'S__new_20261122T010000] SET DB_CHAINING ON
GO
ALTER DATABASE [DEMO_CT]]'S__new_20261122T010000] SET READ_COMMITTED_SNAPSHOT ON
GO
ALTER DATABASE [DEMO_CT]]'S__new_20261122T010000] SET ALLOW_SNAPSHOT_ISOLATION ON
GO
ALTER DATABASE [DEMO_CT]]'S__new_20261122T010000] SET COMPATIBILITY_LEVEL = 100
