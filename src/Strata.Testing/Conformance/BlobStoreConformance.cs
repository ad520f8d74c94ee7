using System.Buffers;
using Xunit;

namespace Strata.Testing;

/// <summary>
/// Every promise of <see cref="IBlobStore"/>, as tests. The author of a backend or a layer derives one public class a
/// store, marks it with <see cref="ConformanceOfAttribute"/> and says how to open the store; the tests come by themselves.
/// </summary>
/// <remarks>
/// No test is skipped: where a store does not claim something in its <see cref="StoreCapabilities"/>, the test checks
/// that it is refused before anything is done. <see cref="SuiteCompleteness"/> tells which parts a class leaves out.
/// The files of this class each hold one subject.
/// </remarks>
public abstract partial class BlobStoreConformance : IAsyncLifetime
{
    private IBlobStore? _store;

    /// <summary>The clock of the store under test; it stands still unless a test moves it.</summary>
    protected FakeClock Clock { get; } = new();

    private IBlobStore Store => _store ?? throw new InvalidOperationException("The store is not open.");

    private StoreCapabilities Capabilities => Store.Capabilities;

    /// <summary>
    /// Of the thousands of shapes that a listing can have each run tries every n-th, beginning with a random one of the first:
    /// more than 1 for a store whose listings cost requests. Default 1, all of them.
    /// </summary>
    protected virtual int ListingStride => 1;

    /// <summary>Opens a store without blobs. Each test has its own; the suite disposes it.</summary>
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
    public void The_capabilities_name_the_store_and_are_in_range()
    {
        Assert.NotEmpty(Capabilities.Store);
        Assert.True(Capabilities.MaxBlobLength > 0);
        Assert.Equal(WriteConditionKind.None, Capabilities.Conditions & ~WriteConditionKind.All);
        Assert.Equal(Capabilities.Tiers.Count, Capabilities.Tiers.Distinct().Count());
    }

    private static BlobKey Key(string text) => BlobKey.Parse(text);

    /// <summary>Bytes that differ by seed and repeat from run to run.</summary>
    private static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private bool Claims(WriteConditionKind condition) => (Capabilities.Conditions & condition) == condition;

    /// <summary>The length asked, or the longest that the store takes.</summary>
    private int UpTo(int length) => (int)Math.Min(length, Capabilities.MaxBlobLength);

    private DateTimeOffset After(double milliseconds) => Clock.GetUtcNow() + TimeSpan.FromMilliseconds(milliseconds);

    private void Tick(double milliseconds = 1) => Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));

    private async Task<BlobInfo> PutAsync(string key, byte[] bytes, WriteOptions? options = null)
    {
        WriteResult result = await Store.PutBytesAsync(Key(key), bytes, options);
        Assert.Equal(WriteStatus.Written, result.Status);
        Assert.NotNull(result.Info);
        return result.Info;
    }

    private Task<BlobInfo> PutAsync(string key, int seed = 1) => PutAsync(key, Bytes(100, seed));

    private async Task<BlobInfo> StatAsync(string key)
    {
        BlobInfo? info = await Store.StatAsync(Key(key));
        Assert.NotNull(info);
        return info;
    }

    /// <summary>All bytes of a blob, read as a stream, so that no store gets by with its sequence.</summary>
    private async Task<byte[]?> ReadAsync(string key)
    {
        await using BlobReadResult? result = await Store.ReadAsync(Key(key));
        return result is null ? null : await DrainAsync(result);
    }

    private static async Task<byte[]> DrainAsync(BlobReadResult result)
    {
        using var bytes = new MemoryStream();
        await using Stream stream = result.OpenStream();
        await stream.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    private async Task AssertHoldsAsync(string key, byte[] expected)
    {
        AssertBytes(expected, await ReadAsync(key));
        Assert.Equal(expected.Length, (await StatAsync(key)).Length);
    }

    /// <summary>As Assert.Equal, but quick and without megabytes in its message.</summary>
    private static void AssertBytes(byte[] expected, byte[]? actual)
    {
        Assert.NotNull(actual);
        Assert.Equal(expected.Length, actual.Length);
        int same = expected.AsSpan().CommonPrefixLength(actual);
        Assert.True(same == expected.Length, $"The bytes differ from offset {same} of {expected.Length} on.");
    }

    private async Task AssertMissingAsync(string key)
    {
        Assert.Null(await Store.StatAsync(Key(key)));
        Assert.Null(await Store.ReadAsync(Key(key)));
        Assert.Null(await Store.ReadAsync(Key(key), new ReadOptions { Consistency = ReadConsistency.Origin }));
        Assert.DoesNotContain(key, await KeysAsync());
        if (Store.TryGetFacet(out ISharedReads? shared)) Assert.False(shared.TryRead(Key(key), out _));
    }

    private async Task<List<string>> KeysAsync(string prefix = "")
    {
        var keys = new List<string>();
        await foreach (BlobInfo info in Store.EnumerateAsync(prefix)) keys.Add(info.Key.Value);
        return keys;
    }

    private static async Task<StorageException> FailsAsync(StorageErrorKind kind, Func<Task> action)
    {
        var error = await Assert.ThrowsAsync<StorageException>(action);
        Assert.Equal(kind, error.Kind);
        return error;
    }

    private static async Task UnsupportedAsync(Func<Task> action)
    {
        StorageException error = await FailsAsync(StorageErrorKind.Unsupported, action);
        Assert.Equal(WriteOutcome.NotApplied, error.Outcome);
    }

    /// <summary>Bytes in three segments, so that nobody takes the first for the whole.</summary>
    private static ReadOnlySequence<byte> Segmented(byte[] bytes)
    {
        var first = new Segment(bytes.AsMemory(0, bytes.Length / 3), 0);
        Segment last = first.Append(bytes.AsMemory(bytes.Length / 3, bytes.Length / 3)).Append(bytes.AsMemory(bytes.Length / 3 * 2));
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long index)
        {
            Memory = memory;
            RunningIndex = index;
        }

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
