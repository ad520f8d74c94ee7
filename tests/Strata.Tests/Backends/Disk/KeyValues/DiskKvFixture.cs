using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>A disk database in a folder of its own, or on a disk that fails, which a test opens, closes and tampers with.</summary>
public abstract class DiskKvFixture : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private DiskKvDatabase? _database;

    protected FakeClock Clock { get; } = new();

    private protected WarningCounter Log { get; } = new();

    protected string Folder => _folder.Path;

    protected DiskKvDatabase Database => _database ?? throw new InvalidOperationException("The database is not open.");

    private protected DiskKvDatabaseOptions Options => new() { Path = Folder, Durability = DiskDurability.OperatingSystem };

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the database; closes it before if it is open.</summary>
    private protected async Task OpenAsync(DiskKvDatabaseOptions? options = null)
    {
        await CloseAsync();
        _database = await DiskKvDatabase.OpenAsync(options ?? Options, StoreContext.Default with { Clock = Clock, Loggers = Log }, TestContext.Current.CancellationToken);
    }

    protected async Task CloseAsync()
    {
        if (_database is not null) await _database.DisposeAsync();
        _database = null;
    }

    /// <summary>After a crash: there is nothing to be closed.</summary>
    protected void Forget() => _database = null;

    protected static byte[] Key(string text) => Encoding.UTF8.GetBytes(text);

    protected static byte[] Bytes(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    protected static KvMutation Set(string key, string value, DateTimeOffset? expires = null) => KvMutation.Set(Key(key), KvValue.OfBytes(Key(value)), expires);

    protected static KvMutation Delete(string key) => KvMutation.Delete(Key(key));

    protected DateTimeOffset After(double milliseconds) => Clock.GetUtcNow().AddMilliseconds(milliseconds);

    protected Task<CommitResult> WriteAsync(AtomicWrite write) => Database.AtomicWriteAsync(write, TestContext.Current.CancellationToken).AsTask();

    protected async Task<Versionstamp> CommitAsync(params KvMutation[] mutations)
    {
        CommitResult result = await WriteAsync(new AtomicWrite { Mutations = mutations });
        Assert.True(result.IsCommitted, "a write without checks was not committed");
        return result.Versionstamp;
    }

    protected async Task<IReadOnlyList<KvEntry>> ListAsync(ReadRange range) => (await Database.SnapshotReadAsync([range], null, TestContext.Current.CancellationToken))[0].Entries;

    protected Task<IReadOnlyList<KvEntry>> AllAsync(int limit = 1_000, bool reverse = false) => ListAsync(new ReadRange(default, new byte[] { 255, 255 }, limit, reverse));

    protected async Task<KvEntry?> GetAsync(ReadOnlyMemory<byte> key) => (await ListAsync(ReadRange.Of(key))).SingleOrDefault();

    protected async Task<string?> GetAsync(string key) => await GetAsync(Key(key)) is { } entry ? Encoding.UTF8.GetString(entry.Value.Data.Span) : null;

    /// <summary>Waits until a sweep has left so many entries.</summary>
    protected Task RemovedAsync(long left) =>
        Eventually.HoldsAsync(
            () =>
            {
                // The timer may have been armed only now.
                Clock.Advance(TimeSpan.FromMilliseconds(50));
                return Database.GetStatistics().Entries == left;
            },
            () => $"{Database.GetStatistics().Entries} entries are there, and {left} should be left");

    protected async Task<StorageException> FailsAsync(StorageErrorKind kind, params KvMutation[] mutations)
    {
        var e = await Assert.ThrowsAsync<StorageException>(() => WriteAsync(new AtomicWrite { Mutations = mutations }));
        Assert.Equal(kind, e.Kind);
        return e;
    }
}
