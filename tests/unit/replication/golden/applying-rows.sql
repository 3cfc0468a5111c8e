SELECT version, CONVERT(nvarchar(36), recovery_fork_guid), CONVERT(nvarchar(36), database_guid), run_id FROM [ipfx_failover].[watermark]
GO
CREATE TABLE #rows_0 (gone_ int NOT NULL, [id] int NULL, [at] datetime NULL, [text] varchar(100) COLLATE Latin1_General_CI_AS NULL, [path] nvarchar(max) COLLATE Latin1_General_CI_AS NULL, [more] nvarchar(max) NULL, [place] varbinary(max) NULL, [cost] money NULL)
GO
INSERT INTO #rows_0 (gone_, [id], [at], [text], [path], [more], [place], [cost]) SELECT v.gone_, CONVERT(int, v.c0), CONVERT(datetime, v.c1, 126), v.c2, v.c3, v.c4, v.c5, CONVERT(money, CONVERT(decimal(19, 4), v.c6)) FROM (VALUES (0, 5, N'2026-11-22T01:02:03.997', N'it''s', CAST(NULL AS nvarchar(1)), CAST(NULL AS nvarchar(1)), 0x58, N'1.2345'), (1, 6, N'2026-11-22T01:02:03.997', NULL, NULL, NULL, NULL, NULL)) v (gone_, c0, c1, c2, c3, c4, c5, c6)
GO
UPDATE #rows_0 SET [path] = CASE WHEN LEFT(CAST([path] AS nvarchar(max)), 6) = N'C:\VM\' THEN LEFT(CAST([path] AS nvarchar(max)), 6) + N'DEMO\VM\' + SUBSTRING(CAST([path] AS nvarchar(max)), 7, 2147483647) ELSE CAST([path] AS nvarchar(max)) END
GO
UPDATE [ipfx_failover].[watermark] SET version = 44 WHERE version = 41 AND recovery_fork_guid = N'6F9619FF-8B86-D011-B42D-00C04FC964FF' AND database_guid = N'0E984725-C51C-4BF4-9960-E1C80E27ABA0' AND run_id = N'20261122T010000000'
GO
DELETE b FROM [odd ]] one].[call's] b JOIN #rows_0 s ON b.[id] = s.[id] AND b.[at] = s.[at]
GO
DELETE FROM [dbo].[other]
GO
SET IDENTITY_INSERT [odd ]] one].[call's] ON; INSERT INTO [odd ]] one].[call's] ([id], [at], [text], [path], [more], [place], [cost]) SELECT s.[id], s.[at], s.[text], s.[path], CONVERT(xml, s.[more], 1), CONVERT(hierarchyid, s.[place]), s.[cost] FROM #rows_0 s WHERE s.gone_ = 0; SET IDENTITY_INSERT [odd ]] one].[call's] OFF
GO
TRUNCATE TABLE #rows_0
GO
DROP TABLE #rows_0, #rows_1
