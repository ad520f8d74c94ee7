using Strata.Sqlite;
using Strata.Testing;
using Xunit;
using static Strata.Tests.SqliteKvFixture;

namespace Strata.Tests;

/// <summary>A file of format 1 is read for ever (docs/formats/sqlite-kv.md).</summary>
public sealed class SqliteKvFormatTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly SqliteKvFixture _fixture = new();

    private static string Golden => Path.Combine(Repository.Root, "tests", "Strata.Tests", "Backends", "Sqlite", "Golden", "kv-1.db");

    public ValueTask InitializeAsync() => default;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task A_file_of_format_1_is_read_and_written()
    {
        File.Copy(Golden, _fixture.File);
        SqliteKvDatabase database = await _fixture.OpenAsync(_fixture.Options with { Durability = SqliteDurability.Flush });
        Assert.Equal(["a", "count", "deno", "later"], await KeysAsync(database));
        Assert.Equal(("0000000000000001" + "0000", "1"), ((await GetAsync(database, "a"))!.Versionstamp.ToString(), await TextAsync(database, "a")));
        Assert.Equal(new KvValue(new byte[] { 0xFF, 0x10, 0x30 }, KvEncoding.V8), (await GetAsync(database, "deno"))!.Value);
        Assert.Equal(KvValue.OfUInt64(42), (await GetAsync(database, "count"))!.Value);
        Assert.Equal(Now.AddDays(1), (await GetAsync(database, "later"))!.Expires);

        // Four commits were made, the last of them a delete.
        Assert.Equal(new Versionstamp(5), await CommitAsync(database, Set("b", "2")));
    }

    [Fact]
    public async Task What_is_written_today_is_format_1()
    {
        await WriteAsync(_fixture);
        using SqliteSession golden = SqliteSession.Open(new SqlitePlace(Golden, "golden"), 1, TimeSpan.Zero, "read", $"{new Uri(Golden).AbsoluteUri}?immutable=1");
        using SqliteSession written = _fixture.Session();
        foreach (string query in (string[])
        [
            "PRAGMA application_id", "PRAGMA user_version", "PRAGMA page_size", "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_master ORDER BY name)",
            "SELECT group_concat(hex(key) || ' ' || version || ' ' || encoding || ' ' || ifnull(expires, '') || ' ' || checksum || ' ' || hex(value), ';') FROM (SELECT * FROM kv_entries ORDER BY key)",
            "SELECT id || ' ' || version || ' ' || seen || ' ' || checksum FROM kv_state",
        ])
        {
            Assert.Equal(golden.Text(query), written.Text(query));
        }
    }

    private static async Task WriteAsync(SqliteKvFixture fixture)
    {
        SqliteKvDatabase database = await fixture.OpenAsync(clock: new FakeClock(Now));
        await CommitAsync(database, Set("a", "1"), KvMutation.Set(Key("deno"), new KvValue(new byte[] { 0xFF, 0x10, 0x30 }, KvEncoding.V8)), Set("gone", "x"));
        await CommitAsync(database, KvMutation.Sum(Key("count"), 42));
        await CommitAsync(database, Set("later", "1", Now.AddDays(1)));
        await CommitAsync(database, KvMutation.Delete(Key("gone")));
        await database.DisposeAsync();
    }
}
