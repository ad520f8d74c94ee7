using System.Text;
using Strata.Sqlite;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>A file that Deno 2.9.6 wrote (data/deno.ts says how) is read as Deno reads it.</summary>
public sealed class DenoSqliteFileTests
{
    private static readonly FakeClock Clock = new(new DateTimeOffset(2026, 11, 22, 0, 0, 0, TimeSpan.Zero));
    private static readonly StoreContext Context = new() { Clock = Clock };

    public static string Golden => Path.Combine(Repository.Root, "tests", "Strata.Tests", "Backends", "Sqlite", "Golden", "deno-2.9.6.sqlite3");

    [Fact]
    public async Task Every_entry_is_read_in_order_with_its_encoding_versionstamp_and_expiry()
    {
        List<KvEntry> entries = await ReadAsync(Golden);
        Assert.Equal(
            [
                "0100FFFF07001501213FFBFFFFFFFFFFFF2627026100FF6200 V8 FF1030 000000000000000d0000 ",
                "02627974657300 Bytes 01020300FF 00000000000000080000 ",
                "02636F756E7400 Le64 2A00000000000000 00000000000000090000 ",
                "02656D70747900 Bytes  00000000000000130000 ",
                "026C6174657200 V8 FF1022046B657074 00000000000000180000 2110648274827",
                "02706169720021BFF0000000000000 V8 FF104902 00000000000000240000 ",
                "02706169720021C000000000000000 V8 FF104904 00000000000000240000 ",
                "0275736572730002616E6E00 V8 FF106F22046E616D652203416E6E220361676549527B02 00000000000000060000 ",
                "0275736572730002626F6200 V8 FF102203426F62 00000000000000070000 ",
            ],
            entries.Select(e => $"{Convert.ToHexString(e.Key.Span)} {e.Value.Encoding} {Convert.ToHexString(e.Value.Data.Span)} {e.Versionstamp} {e.Expires?.ToUnixTimeMilliseconds()}"));
        Assert.True(entries.Single(e => e.Value.Encoding == KvEncoding.Le64).Value.TryGetUInt64(out ulong count));
        Assert.Equal(42UL, count);
    }

    [Fact]
    public async Task Messages_in_the_queue_are_counted()
    {
        await using DenoSqliteFile file = await DenoSqliteFile.OpenAsync(Golden, Context);
        Assert.Equal(1, await file.CountQueuedAsync());
    }

    [Fact]
    public async Task Reading_changes_nothing_and_leaves_no_file_behind()
    {
        using var folder = new TempFolder();
        string copy = folder.Sub("deno.sqlite3");
        File.Copy(Golden, copy);
        Assert.Equal(9, (await ReadAsync(copy)).Count);
        Assert.Equal(await File.ReadAllBytesAsync(Golden), await File.ReadAllBytesAsync(copy));
    }

    [Fact]
    public async Task A_large_file_is_read_whole_and_as_it_was_when_reading_began()
    {
        using var folder = new TempFolder();
        string copy = folder.Sub("deno.sqlite3");
        File.Copy(Golden, copy);
        using SqliteSession deno = SqliteSession.Open(new SqlitePlace(copy, "Deno"), 2, TimeSpan.FromSeconds(5), "write");
        deno.Execute("PRAGMA journal_mode = WAL");
        deno.Execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO kv(k, v, v_encoding, version) SELECT CAST(printf('z%06d', i) AS BLOB), zeroblob(i % 3000), 3, 50 FROM n");
        await using DenoSqliteFile file = await DenoSqliteFile.OpenAsync(copy, Context);
        List<KvEntry> entries = [];
        await foreach (KvEntry entry in file.ReadAsync())
        {
            if (entries.Count == 100) deno.Execute("DELETE FROM kv");
            entries.Add(entry);
        }

        Assert.Equal(3_009, entries.Count);
        Assert.Equal(Enumerable.Range(1, 3_000).Select(i => $"z{i:d6} {i % 3_000}"), entries.Skip(9).Select(e => $"{Encoding.ASCII.GetString(e.Key.Span)} {e.Value.Data.Length}"));
    }

    [Theory]
    [InlineData("UPDATE kv SET v_encoding = 9 WHERE v_encoding = 3", StorageErrorKind.Corrupt)]
    [InlineData("UPDATE kv SET v = x'01' WHERE v_encoding = 2", StorageErrorKind.Corrupt)]
    [InlineData("UPDATE migration_state SET version = 4", StorageErrorKind.Unsupported)]
    [InlineData("DROP TABLE data_version", StorageErrorKind.Corrupt)]
    public async Task What_Deno_would_not_have_written_is_refused(string change, StorageErrorKind kind)
    {
        using var folder = new TempFolder();
        string copy = folder.Sub("deno.sqlite3");
        File.Copy(Golden, copy);
        using (SqliteSession session = SqliteSession.Open(new SqlitePlace(copy, "Deno"), 2, TimeSpan.Zero, "write")) session.Execute(change);
        Assert.Equal(kind, (await Assert.ThrowsAsync<StorageException>(() => ReadAsync(copy))).Kind);
    }

    [Fact]
    public async Task A_file_that_is_missing_is_not_created()
    {
        using var folder = new TempFolder();
        Assert.Equal(StorageErrorKind.Unavailable, (await Assert.ThrowsAsync<StorageException>(() => ReadAsync(folder.Sub("none")))).Kind);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    private static async Task<List<KvEntry>> ReadAsync(string path)
    {
        await using DenoSqliteFile file = await DenoSqliteFile.OpenAsync(path, Context);
        List<KvEntry> entries = [];
        await foreach (KvEntry entry in file.ReadAsync()) entries.Add(entry);
        return entries;
    }
}
