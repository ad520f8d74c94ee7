using System.Text;
using Xunit;

namespace Strata.Testing;

/// <summary>
/// Every promise of <see cref="IKvDatabase"/>, as tests. The author of a backend derives one public class a database,
/// marks it with <see cref="ConformanceOfAttribute"/> and says how to open it; the tests come by themselves.
/// </summary>
/// <remarks>
/// No test is skipped: where a database does not claim something in its <see cref="KvCapabilities"/>, the test checks what
/// holds instead. <see cref="SuiteCompleteness"/> tells which parts a class leaves out. The files of this class each hold
/// one subject.
/// </remarks>
public abstract partial class KvDatabaseConformance : IAsyncLifetime
{
    /// <summary>How long anything may take that comes from another thread.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private IKvDatabase? _database;

    /// <summary>The clock of the database under test; it stands still unless a test moves it.</summary>
    protected FakeClock Clock { get; } = new();

    private IKvDatabase Database => _database ?? throw new InvalidOperationException("The database is not open.");

    private KvCapabilities Capabilities => Database.Capabilities;

    private KvLimits Limits => Capabilities.Limits;

    /// <summary>
    /// Opens the database of this test: without entries the first time; called again after the database was disposed, with
    /// what it had if it is durable. Each test has its own; the suite disposes it.
    /// </summary>
    /// <param name="context">To be given to the database: it carries <see cref="Clock"/>.</param>
    protected abstract ValueTask<IKvDatabase> OpenAsync(StoreContext context);

    /// <summary>How many watches the database keeps at this moment, so that the suite finds what is left behind.</summary>
    /// <param name="database">What <see cref="OpenAsync"/> has opened; it may be disposed.</param>
    protected abstract int CountWatches(IKvDatabase database);

    /// <summary>Removes what the database has left behind, after it was disposed.</summary>
    protected virtual ValueTask CleanUpAsync() => default;

    /// <summary>Opens the database.</summary>
    async ValueTask IAsyncLifetime.InitializeAsync() => _database = await OpenAsync(new StoreContext { Clock = Clock });

    /// <summary>Disposes the database.</summary>
    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_database is not null) await _database.DisposeAsync();
        await CleanUpAsync();
    }

    [Fact]
    public void The_class_names_the_database_that_it_opens()
    {
        var attribute = (ConformanceOfAttribute?)Attribute.GetCustomAttribute(GetType(), typeof(ConformanceOfAttribute));
        Assert.NotNull(attribute);
        Assert.Equal(attribute.Store, Database.GetType());
    }

    [Fact]
    public void The_capabilities_name_the_database_and_its_limits_are_in_range()
    {
        Assert.NotEmpty(Capabilities.Database);
        Assert.True(Limits is { MaxRanges: >= 10, MaxEntries: >= 500, MaxKeyBytes: >= 512, MaxValueBytes: >= 1024, MaxChecks: >= 10, MaxMutations: >= 100, MaxWatchedKeys: >= 10 });
        Assert.True(Limits.MaxWriteKeyBytes >= Limits.MaxKeyBytes && Limits.MaxWriteBytes >= Limits.MaxValueBytes + Limits.MaxKeyBytes);
    }

    private static byte[] Key(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(ReadOnlyMemory<byte> key) => Encoding.UTF8.GetString(key.Span);

    private static KvValue Value(string text) => KvValue.OfBytes(Key(text));

    private static KvMutation Set(string key, string value, DateTimeOffset? expires = null) => KvMutation.Set(Key(key), Value(value), expires);

    private static KvMutation Delete(string key) => KvMutation.Delete(Key(key));

    private static KvMutation Sum(string key, ulong number) => KvMutation.Sum(Key(key), number);

    private static KvCheck Absent(string key) => new(Key(key), Versionstamp.None);

    /// <summary>Bytes that differ by seed and repeat from run to run.</summary>
    private static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private DateTimeOffset After(double milliseconds) => Clock.GetUtcNow() + TimeSpan.FromMilliseconds(milliseconds);

    private void Tick(double milliseconds = 1) => Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));

    private async Task ReopenAsync()
    {
        await Database.DisposeAsync();
        _database = await OpenAsync(new StoreContext { Clock = Clock });
    }

    private ValueTask<CommitResult> WriteAsync(IReadOnlyList<KvCheck> checks, params KvMutation[] mutations) =>
        Database.AtomicWriteAsync(new AtomicWrite { Checks = checks, Mutations = mutations }, CancellationToken.None);

    private ValueTask<CommitResult> WriteAsync(KvCheck check, params KvMutation[] mutations) => WriteAsync([check], mutations);

    /// <summary>Writes what must be committed.</summary>
    private async Task<Versionstamp> CommitAsync(params KvMutation[] mutations)
    {
        CommitResult result = await WriteAsync([], mutations);
        Assert.True(result.IsCommitted, "A write without checks was not committed.");
        Assert.Empty(result.FailedChecks);
        return result.Versionstamp;
    }

    private ValueTask<IReadOnlyList<KvRange>> ReadAsync(params ReadRange[] ranges) => Database.SnapshotReadAsync(ranges, null, CancellationToken.None);

    private async Task<IReadOnlyList<KvEntry>> ListAsync(ReadRange range) => Assert.Single(await ReadAsync(range)).Entries;

    private async Task<KvEntry?> GetAsync(ReadOnlyMemory<byte> key)
    {
        IReadOnlyList<KvEntry> found = await ListAsync(ReadRange.Of(key));
        if (found.Count == 0) return null;
        KvEntry entry = Assert.Single(found);
        Assert.True(entry.Key.Span.SequenceEqual(key.Span), $"Asked for '{Text(key)}', '{Text(entry.Key)}' was answered.");
        return entry;
    }

    private Task<KvEntry?> GetAsync(string key) => GetAsync(Key(key));

    private async Task<Versionstamp> StampAsync(string key) => (await GetAsync(key))?.Versionstamp ?? Versionstamp.None;

    private async Task<ulong?> NumberAsync(string key)
    {
        if (await GetAsync(key) is not { } entry) return null;
        Assert.True(entry.Value.TryGetUInt64(out ulong number), $"'{key}' holds {entry.Value}, which is no number.");
        return number;
    }

    /// <summary>The keys of all entries, in order.</summary>
    private async Task<string[]> KeysAsync() => [.. (await ListAsync(new ReadRange(default, new byte[] { 255 }, Limits.MaxEntries, KeysOnly: true))).Select(e => Text(e.Key))];

    private async Task AssertHoldsAsync(string key, string value)
    {
        KvEntry? entry = await GetAsync(key);
        Assert.True(entry is not null, $"'{key}' has no entry.");
        Assert.Equal(value, Text(entry.Value.Data));
    }

    private async Task AssertMissingAsync(string key)
    {
        Assert.Null(await GetAsync(key));
        Assert.DoesNotContain(key, await KeysAsync());
        Assert.True((await WriteAsync(Absent(key))).IsCommitted, $"'{key}' cannot be read, and yet a check finds it.");
    }

    /// <summary>A write that must be refused as a caller's bug, and leave nothing.</summary>
    private async Task RefusedAsync(params KvMutation[] mutations)
    {
        string[] before = await KeysAsync();
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await WriteAsync([], mutations));
        Assert.Equal(before, await KeysAsync());
    }

    private static async Task<StorageException> FailsAsync(StorageErrorKind kind, Func<Task> action)
    {
        var error = await Assert.ThrowsAsync<StorageException>(action);
        Assert.Equal(kind, error.Kind);
        return error;
    }

    /// <summary>Runs it on several threads at once.</summary>
    private static Task TogetherAsync(int threads, Func<int, Task> action) =>
        Task.WhenAll(Enumerable.Range(0, threads).Select(thread => Task.Run(() => action(thread)))).WaitAsync(Deadline);
}
