SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)), CAST(SERVERPROPERTY('Edition') AS nvarchar(128)), CAST(SERVERPROPERTY('EngineEdition') AS int)
GO
SELECT name, state_desc FROM sys.databases
GO
SELECT state_desc, is_read_only, is_encrypted FROM sys.databases WHERE name = @P1
GO
SELECT type, physical_name, CAST(size AS bigint) * 8192 FROM sys.master_files WHERE database_id = DB_ID(@P1) ORDER BY file_id
GO
SELECT physical_name FROM sys.master_files
GO
SELECT SUM(CAST(FILEPROPERTY(name, 'SpaceUsed') AS bigint)) * 8192 FROM sys.database_files WHERE type = 0
GO
SELECT CAST(SERVERPROPERTY('InstanceDefaultDataPath') AS nvarchar(260))
GO
SELECT MIN(v.available_bytes) FROM sys.master_files AS f CROSS APPLY sys.dm_os_volume_stats(f.database_id, f.file_id) AS v WHERE f.database_id = DB_ID(@P1)
GO
SELECT TOP (1) name FROM sys.tables WHERE is_ms_shipped = 0
GO
SELECT feature_name FROM sys.dm_db_persisted_sku_features
GO
SELECT encryptor_thumbprint FROM sys.dm_database_encryption_keys WHERE database_id = DB_ID(@P1)
GO
SELECT COUNT(*) FROM master.sys.certificates WHERE thumbprint = @P1
GO
SELECT HAS_PERMS_BY_NAME(@P1, 'DATABASE', 'BACKUP DATABASE')
GO
SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'CREATE ANY DATABASE')
GO
SELECT DISTINCT RTRIM(program_name), RTRIM(hostname) FROM sys.sysprocesses WHERE dbid = DB_ID(@P1) AND spid > 50 AND spid <> @@SPID
GO
SELECT SUM(v.num_of_bytes_written) FROM sys.master_files AS f CROSS APPLY sys.dm_io_virtual_file_stats(f.database_id, f.file_id) AS v WHERE f.database_id = DB_ID(@P1) AND f.type = 1
