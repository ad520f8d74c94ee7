using System.Text;
using Strata.Sqlite;
using Strata.Testing;

namespace Strata.Tests;

/// <summary>A SQLite file in a folder of its own, and what tests do with it.</summary>
internal sealed class SqliteKvFixture : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly List<IAsyncDisposable> _opened = [];

    public FakeClock Clock { get; } = new();

    public string Folder => _folder.Path;

    public string File => _folder.Sub("kv.db");

    public SqliteKvDatabaseOptions Options => new() { Path = File, Durability = SqliteDurability.OperatingSystem, BusyTimeout = TimeSpan.FromMilliseconds(200) };

    public static byte[] Key(string text) => Encoding.UTF8.GetBytes(text);

    public static KvMutation Set(string key, string value, DateTimeOffset? expires = null) => KvMutation.Set(Key(key), KvValue.OfBytes(Key(value)), expires);

    public static async Task<Versionstamp> CommitAsync(IKvDatabase database, params KvMutation[] mutations)
    {
        CommitResult result = await database.AtomicWriteAsync(new AtomicWrite { Mutations = mutations }, CancellationToken.None);
        Xunit.Assert.True(result.IsCommitted);
        return result.Versionstamp;
    }

    public static async Task<KvEntry?> GetAsync(IKvDatabase database, string key) =>
        (await database.SnapshotReadAsync([ReadRange.Of(Key(key))], null, CancellationToken.None))[0].Entries is [var entry] ? entry : null;

    public static async Task<string?> TextAsync(IKvDatabase database, string key) => await GetAsync(database, key) is { } entry ? Encoding.UTF8.GetString(entry.Value.Data.Span) : null;

    public static async Task<string[]> KeysAsync(IKvDatabase database) =>
        [.. (await database.SnapshotReadAsync([new ReadRange(Key(""), new byte[] { 0xFF }, 1_000, KeysOnly: true)], null, CancellationToken.None))[0].Entries.Select(e => Encoding.UTF8.GetString(e.Key.Span))];

    public async Task<SqliteKvDatabase> OpenAsync(SqliteKvDatabaseOptions? options = null, FakeClock? clock = null)
    {
        SqliteKvDatabase database = await SqliteKvDatabase.OpenAsync(options ?? Options, new StoreContext { Clock = clock ?? Clock });
        _opened.Add(database);
        return database;
    }

    /// <summary>The file as any SQLite program sees it.</summary>
    public SqliteSession Session() => SqliteSession.Open(new SqlitePlace(File, "test"), 2 | 4, TimeSpan.Zero, "test");

    public void Run(params string[] statements)
    {
        using SqliteSession session = Session();
        foreach (string statement in statements) session.Execute(statement);
    }

    public long Number(string query)
    {
        using SqliteSession session = Session();
        return session.Number(query);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable opened in _opened) await opened.DisposeAsync();
        _folder.Dispose();
    }
}
