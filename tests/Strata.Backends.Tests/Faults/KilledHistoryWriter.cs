using System.Buffers.Binary;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>A writer of keys of its own and a reader of them, over a store whose server may be gone at any moment.</summary>
internal sealed class KilledHistoryWriter(IBlobStore store, int writer, int seed) : IAsyncDisposable
{
    private const int Keys = 4, LargeBytes = 6 << 20;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly Random _random = new(seed);

    /// <summary>What each key may hold: numbers of steps, 0 for nothing. More than one where an outcome is unknown.</summary>
    private readonly HashSet<int>[] _may = [.. Enumerable.Range(0, Keys).Select(_ => new HashSet<int> { 0 })];
    private readonly string?[] _etags = new string?[Keys];
    private int _step;

    public long Acknowledged { get; private set; }

    public long Refused { get; private set; }

    public long Unknown { get; private set; }

    public long Reads { get; private set; }

    public async Task WriteAsync(CancellationToken stop)
    {
        // What is in doubt is left alone until somebody has looked: a late request might undo what comes behind it.
        while (!stop.IsCancellationRequested && Array.FindAll([.. Enumerable.Range(0, Keys)], k => _may[k].Count == 1) is { Length: > 0 } certain)
            await StepAsync(certain[_random.Next(certain.Length)]);
    }

    /// <summary>Reads whatever is there, whole, or is told why not.</summary>
    public async Task ReadAsync(CancellationToken stop)
    {
        var random = new Random(seed + 1);
        for (; !stop.IsCancellationRequested; Reads++)
        {
            BlobKey key = KeyOf(random.Next(Keys));
            try
            {
                await StepOfAsync(store, key).WaitAsync(Limit, CancellationToken.None);
            }
            catch (StorageException e)
            {
                Assert.True(e is { Kind: StorageErrorKind.Unavailable or StorageErrorKind.Timeout or StorageErrorKind.Changed, IsTransient: true, Outcome: WriteOutcome.NotApplied }, $"a read of '{key}': {e}");
            }
        }
    }

    /// <summary>Looks at every key, and takes what is there for what it holds.</summary>
    public async Task CheckAsync(IBlobStore direct)
    {
        for (int k = 0; k < Keys; k++)
        {
            int found = await StepOfAsync(direct, KeyOf(k));
            Assert.True(_may[k].Contains(found), $"'{KeyOf(k)}' holds step {found}; it may hold {string.Join(" or ", _may[k])}");
            _may[k] = [found];
            _etags[k] = (await direct.StatAsync(KeyOf(k)))?.ETag;
        }
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private async Task StepAsync(int k)
    {
        BlobKey key = KeyOf(k);
        int number = ++_step, kind = _random.Next(10), becomes = kind == 0 ? 0 : number;
        try
        {
            if (kind == 0)
            {
                await store.DeleteAsync(key).AsTask().WaitAsync(Limit);
                _etags[k] = null;
            }
            else
            {
                WriteCondition condition = kind > 5 ? default : _etags[k] is { } etag ? WriteCondition.IfMatch(etag) : WriteCondition.IfAbsent;
                BlobContent content = kind == 9 ? BlobContent.FromStream(new MemoryStream(Content(number))) : BlobContent.From(Content(number));
                WriteResult result = await store.WriteAsync(key, content, new WriteOptions { Condition = condition }).AsTask().WaitAsync(Limit);
                Assert.True(result.IsWritten, $"'{key}' is this writer's alone, and {condition.Kind} was refused at step {number}");
                _etags[k] = result.Info!.ETag;
            }

            _may[k] = [becomes];
            Acknowledged++;
        }
        catch (StorageException e)
        {
            Assert.True(e is { Kind: StorageErrorKind.Unavailable or StorageErrorKind.Timeout, IsTransient: true }, $"step {number} of '{key}': {e}");
            if (e.Outcome == WriteOutcome.NotApplied)
            {
                Refused++;
                return;
            }

            Unknown++;
            _may[k].Add(becomes);
        }
    }

    /// <summary>Which step the blob is of, every byte looked at; 0 if there is none.</summary>
    private async Task<int> StepOfAsync(IBlobStore from, BlobKey key)
    {
        byte[]? bytes = await from.GetBytesAsync(key);
        if (bytes is null) return 0;
        Assert.True(bytes.Length >= sizeof(int), $"'{key}' has {bytes.Length} bytes");
        int number = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        Assert.True(bytes.AsSpan().SequenceEqual(Content(number)), $"'{key}' holds {bytes.Length} bytes that are not those of step {number}");
        return number;
    }

    private BlobKey KeyOf(int k) => BlobKey.Parse($"w{writer}/{k}");

    /// <summary>One in twelve goes in parts.</summary>
    private byte[] Content(int number)
    {
        var random = new Random(HashCode.Combine(writer, number));
        byte[] bytes = new byte[random.Next(12) == 0 ? LargeBytes + random.Next(100) : sizeof(int) + random.Next(3000)];
        random.NextBytes(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        return bytes;
    }
}
