using System.Collections.Concurrent;
using System.Text;
using Xunit;

namespace Strata.Testing;

/// <summary>
/// Every promise of <see cref="IStateRows"/>, as tests: which changes are recorded, that a blob and its rows come together or
/// not at all, and that rows that commit with blobs and rows that are written alone have one order. The author of a store that
/// has the facet derives one public class and marks it with <see cref="ConformanceOfAttribute"/>.
/// </summary>
public abstract partial class StateRowsConformance : IAsyncLifetime
{
    /// <summary>How long anything may take that comes from another thread.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly ConcurrentQueue<BlobChange> _recorded = new();
    private IBlobStore? _store;

    /// <summary>The clock of the store under test; it stands still unless a test moves it.</summary>
    protected FakeClock Clock { get; } = new();

    private IBlobStore Store => _store ?? throw new InvalidOperationException("The store is not open.");

    private IStateRows Facet => Store.TryGetFacet(out IStateRows? facet) ? facet : throw new InvalidOperationException("The store has no rows.");

    private IKvDatabase Rows => Facet.Rows;

    /// <summary>Opens the store of this test: empty the first time; called again after it was disposed, with what it had if its rows are durable.</summary>
    /// <param name="context">To be given to the store: it carries <see cref="Clock"/>.</param>
    protected abstract ValueTask<IBlobStore> OpenAsync(StoreContext context);

    /// <summary>Removes what the store has left behind, after it was disposed.</summary>
    protected virtual ValueTask CleanUpAsync() => default;

    /// <summary>Opens the store.</summary>
    async ValueTask IAsyncLifetime.InitializeAsync() => _store = await OpenAsync(new StoreContext { Clock = Clock });

    /// <summary>Disposes the store.</summary>
    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_store is not null) await _store.DisposeAsync();
        await CleanUpAsync();
    }

    [Fact]
    public void The_class_names_the_store_that_it_opens()
    {
        var attribute = (ConformanceOfAttribute?)Attribute.GetCustomAttribute(GetType(), typeof(ConformanceOfAttribute));
        Assert.NotNull(attribute);
        Assert.Equal(attribute.Store, Store.GetType());
    }

    [Fact]
    public async Task The_rows_are_an_ordered_KV_that_no_listing_of_blobs_shows_and_that_only_the_store_closes()
    {
        await PutAsync("blob", 1);
        await RowAsync(KvMutation.Set(Key("blob"), Value("row")));
        Assert.Same(Rows, Rows);
        await Rows.DisposeAsync();
        Assert.Equal("row", await TextAsync("blob"));
        ListPage page = await Store.ListPageAsync(new ListRequest());
        Assert.Equal(["blob"], page.Items.Select(b => b.Key.ToString()));
        await Store.DeleteAsync(BlobKey.Parse("blob"));
        Assert.Equal("row", await TextAsync("blob"));
        IKvDatabase rows = Rows;
        await Store.DisposeAsync();
        var closed = await Assert.ThrowsAsync<StorageException>(async () => await rows.SnapshotReadAsync([ReadRange.Of(Key("blob"))], null, CancellationToken.None));
        Assert.Equal(StorageErrorKind.Closed, closed.Kind);
    }

    [Fact]
    public void A_store_has_one_recorder()
    {
        Facet.Record(_ => []);
        Assert.Throws<InvalidOperationException>(() => Facet.Record(_ => []));
    }

    [Fact]
    public async Task Without_a_recorder_or_with_one_that_wants_nothing_no_rows_come()
    {
        await PutAsync("a", 1);
        Facet.Record(_ => []);
        await PutAsync("b", 1);
        await Store.DeleteAsync(BlobKey.Parse("a"));
        Assert.Empty(await AllAsync());
    }

    [Fact]
    public async Task Durable_rows_and_their_order_outlive_the_store()
    {
        Record();
        await PutAsync("a", 1);
        Versionstamp before = (await EntryAsync("row/a"))!.Versionstamp;
        await RowAsync(KvMutation.Set(Key("alone"), Value("1")));
        bool isDurable = Rows.Capabilities.IsDurable;
        await Store.DisposeAsync();
        _store = await OpenAsync(new StoreContext { Clock = Clock });
        if (!isDurable)
        {
            Assert.Empty(await AllAsync());
            return;
        }

        Assert.Equal(["alone", "row/a"], (await AllAsync()).Select(e => Text(e.Key)));
        Record();
        await PutAsync("a", 2);
        Assert.True((await EntryAsync("row/a"))!.Versionstamp > before, "The versionstamps have begun again.");
    }

    private static byte[] Key(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private static KvValue Value(string text) => KvValue.OfBytes(Key(text));

    /// <summary>What a row of the suite says of a change.</summary>
    private static string Describe(BlobChange change) => $"{change.Version.Value}{(change.Info is null ? " deleted" : "")}{(change.IsCopy ? " copy" : "")}";

    private static byte[] Bytes(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Each change sets the row of its key to what it is, and is noted.</summary>
    private void Record() => Facet.Record(change =>
    {
        _recorded.Enqueue(change);
        return [KvMutation.Set(Key($"row/{change.Key}"), Value(Describe(change)))];
    });

    private async Task<BlobInfo> PutAsync(string key, int seed, int length = 100, WriteOptions? options = null)
    {
        WriteResult result = await Store.PutBytesAsync(BlobKey.Parse(key), Bytes(length, seed), options);
        Assert.Equal(WriteStatus.Written, result.Status);
        return result.Info!;
    }

    private async Task<Versionstamp> RowAsync(params KvMutation[] mutations)
    {
        CommitResult result = await Rows.AtomicWriteAsync(new AtomicWrite { Mutations = mutations }, CancellationToken.None);
        Assert.True(result.IsCommitted);
        return result.Versionstamp;
    }

    private async Task<KvEntry?> EntryAsync(string key)
    {
        IReadOnlyList<KvRange> found = await Rows.SnapshotReadAsync([ReadRange.Of(Key(key))], null, CancellationToken.None);
        return found[0].Entries.Count == 0 ? null : found[0].Entries[0];
    }

    private async Task<string?> TextAsync(string key) => await EntryAsync(key) is { } entry ? Text(entry.Value.Data) : null;

    private async Task<List<KvEntry>> AllAsync(string prefix = "")
    {
        var all = new List<KvEntry>();
        byte[] next = Key(prefix), end = [.. Key(prefix), 255];
        while (true)
        {
            IReadOnlyList<KvEntry> page = (await Rows.SnapshotReadAsync([new ReadRange(next, end, 500)], null, CancellationToken.None))[0].Entries;
            all.AddRange(page);
            if (page.Count < 500) return all;
            next = [.. page[^1].Key.Span, 0];
        }
    }

    /// <summary>The one change that was recorded since the last look, and its row.</summary>
    private async Task<BlobChange> LastAsync(string key)
    {
        BlobChange change = Assert.Single(_recorded);
        _recorded.Clear();
        Assert.Equal(key, change.Key.ToString());
        Assert.Equal(Describe(change), await TextAsync($"row/{key}"));
        return change;
    }

    private async Task NothingAsync(string? key = null)
    {
        Assert.Empty(_recorded);
        if (key is not null) Assert.Null(await EntryAsync($"row/{key}"));
    }
}
