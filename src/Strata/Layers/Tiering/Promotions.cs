using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Copies blobs into upper tiers off the caller's path, one at a time, in bounded memory. A promotion that finds the
/// queue full, or a newer write, is given up: it costs a copy, never an answer. When the store closes, those that a write asked for,
/// and those whose bytes are in memory, still go through, for <see cref="TieringOptions.CopiesAtClose"/> in all: a process that writes one
/// blob and ends leaves its copies. The others are given up at once: the next read makes them.
/// </summary>
internal sealed class Promotions : IAsyncDisposable
{
    private const int MostQueued = 1024;
    private const long MostQueuedBytes = 32 << 20;
    private readonly TierCopies _copies;
    private readonly ILogger _log;
    private readonly TimeSpan _longestEnd;
    private readonly Channel<Promotion> _queue = Channel.CreateBounded<Promotion>(new BoundedChannelOptions(MostQueued) { SingleReader = true });
    private readonly ConcurrentDictionary<BlobKey, bool> _queued = new();

    /// <summary>Ends those that only a read asked for, and whose bytes are yet to be read.</summary>
    private readonly CancellationTokenSource _closing = new();

    /// <summary>Ends all.</summary>
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _worker;
    private long _queuedBytes;

    public Promotions(TierCopies copies, TimeSpan longestEnd, ILogger log)
    {
        _longestEnd = longestEnd;
        _copies = copies;
        _log = log;
        _worker = WorkAsync();
    }

    /// <summary>True while nothing is queued or under way.</summary>
    public bool IsIdle => _queued.IsEmpty;

    /// <summary>Queues copies of one write.</summary>
    /// <param name="info">The write.</param>
    /// <param name="generation">The generation captured before it was read.</param>
    /// <param name="stamp">How long the origin's answer that it stems from may be relied on.</param>
    /// <param name="bytes">Its payload where it is in memory; it is carried along only while the queue is small.</param>
    /// <param name="source">Where to read it again otherwise.</param>
    /// <param name="targets">The tiers that get a copy.</param>
    /// <param name="isFill">True if a write asks for the copies, false if a read does.</param>
    public void Enqueue(BlobInfo info, long generation, TrustStamp stamp, byte[]? bytes, TierCounters source, IReadOnlyList<UpperTier> targets, bool isFill)
    {
        if (targets.Count == 0 || !_queued.TryAdd(info.Key, true)) return;
        byte[]? carried = bytes is not null && Interlocked.Read(ref _queuedBytes) + bytes.Length <= MostQueuedBytes ? bytes : null;
        Interlocked.Add(ref _queuedBytes, carried?.Length ?? 0);
        if (!_queue.Writer.TryWrite(new Promotion(info, generation, stamp, carried, source, targets, isFill))) Done(info.Key, carried);
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _closing.CancelAsync().ConfigureAwait(false);
        _ending.CancelAfter(_longestEnd);
        await _worker.ConfigureAwait(false);
        _closing.Dispose();
        _ending.Dispose();
    }

    private async Task WorkAsync()
    {
        await foreach (Promotion promotion in _queue.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                await CopyAsync(promotion, promotion.IsFill || promotion.Bytes is not null ? _ending.Token : _closing.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // The store closes; a later read promotes it.
            }
            finally
            {
                Done(promotion.Info.Key, promotion.Bytes);
            }
        }
    }

    private async ValueTask CopyAsync(Promotion promotion, CancellationToken closing)
    {
        foreach (UpperTier target in promotion.Targets)
        {
            closing.ThrowIfCancellationRequested();
            await CopyAsync(promotion, target, closing).ConfigureAwait(false);
        }
    }

    private async ValueTask CopyAsync(Promotion promotion, UpperTier target, CancellationToken closing)
    {
        BlobInfo info = promotion.Info;
        if (!target.Admits()) return;
        try
        {
            if (await _copies.CopyAsync(info, promotion.Generation, promotion.Stamp, promotion.Bytes, promotion.Source, target, promotion.IsFill, closing).ConfigureAwait(false) == MoveStatus.Overtaken)
                _log.LogDebug("The promotion of '{Key}' is given up: it was written again", info.Key);
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e)
        {
            target.NoteError(e, "promote", info.Key);
        }
    }

    private void Done(BlobKey key, byte[]? carried)
    {
        Interlocked.Add(ref _queuedBytes, -(carried?.Length ?? 0));
        _queued.TryRemove(key, out _);
    }

    private sealed record Promotion(BlobInfo Info, long Generation, TrustStamp Stamp, byte[]? Bytes, TierCounters Source, IReadOnlyList<UpperTier> Targets, bool IsFill);
}
