using System.Collections.Concurrent;

namespace Strata;

/// <summary>
/// One load a key, generation and purpose, however many ask (CONSISTENCY 3). A reader that begins after a write has another
/// generation, so it never joins a load that began before. One reader's cancellation leaves the load to the others.
/// </summary>
internal sealed class SharedLoads(TimeProvider clock) : IAsyncDisposable
{
    private readonly CancellationTokenSource _closing = new();
    private int _abandoned;

    private readonly ConcurrentDictionary<(BlobKey Key, long Generation, string Purpose), Load> _loads = new();

    /// <summary>Loads that go on though whoever began them has given up.</summary>
    public int Abandoned => Volatile.Read(ref _abandoned);

    /// <summary>
    /// What <paramref name="read"/> loads. A <see cref="LoadedBlob"/>, a miss or an answer without bytes is shared by all who ask
    /// meanwhile; a stream goes to whoever began the load, and the others read for themselves.
    /// </summary>
    /// <param name="key">The blob.</param>
    /// <param name="generation">Its generation.</param>
    /// <param name="purpose">What is asked of the origin: loads of different purposes are not shared.</param>
    /// <param name="oldest">A load that began before is not joined: what it brings may be too old.</param>
    /// <param name="read">Loads it.</param>
    /// <param name="cancellationToken">Ends the wait of this caller.</param>
    public async ValueTask<BlobReadResult?> ReadAsync(
        BlobKey key, long generation, string purpose, long oldest, Func<CancellationToken, ValueTask<BlobReadResult?>> read, CancellationToken cancellationToken)
    {
        var mine = new Load(this, clock.GetTimestamp());
        (BlobKey, long, string) id = (key, generation, purpose);
        Load load = _loads.GetOrAdd(id, mine);
        if (!ReferenceEquals(load, mine))
        {
            if (load.Began < oldest) return await read(cancellationToken).ConfigureAwait(false);
            (bool isShared, BlobReadResult? shared) = await load.Completion.WaitAsync(cancellationToken).ConfigureAwait(false);
            return isShared ? shared : await read(cancellationToken).ConfigureAwait(false);
        }

        // Not under the caller's token: others may have joined.
        Task run = mine.RunAsync(read, () => _loads.TryRemove(id, out _));
        try
        {
            await run.WaitAsync(cancellationToken).ConfigureAwait(false);
            (bool isShared, BlobReadResult? shared) = await load.Completion.ConfigureAwait(false);
            return isShared ? shared : mine.TakeStream();
        }
        catch (OperationCanceledException)
        {
            await mine.AbandonAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Cancels the loads that nobody waits for any more, and waits for their end.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        foreach (Load load in _loads.Values) await ((Task)load.Completion).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _closing.Dispose();
    }

    private sealed class Load(SharedLoads loads, long began)
    {
        private readonly TaskCompletionSource<(bool IsShared, BlobReadResult? Result)> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Lock _gate = new();
        private BlobReadResult? _stream;
        private bool _isAbandoned;
        private bool _isOver;

        public long Began => began;

        public Task<(bool IsShared, BlobReadResult? Result)> Completion => _completion.Task;

        public async Task RunAsync(Func<CancellationToken, ValueTask<BlobReadResult?>> read, Action done)
        {
            try
            {
                BlobReadResult? result = await read(loads._closing.Token).ConfigureAwait(false);
                bool isShared = result is null or LoadedBlob || result.Status != BlobReadStatus.Found;
                if (!isShared) await OfferAsync(result!).ConfigureAwait(false);
                End(done);
                _completion.SetResult((isShared, isShared ? result : null));
            }
            catch (Exception e)
            {
                // A failed load leaves nothing behind: the next reader tries again.
                End(done);
                _completion.SetException(e);
            }
        }

        public BlobReadResult? TakeStream()
        {
            lock (_gate)
            {
                BlobReadResult? stream = _stream;
                _stream = null;
                return stream;
            }
        }

        public async ValueTask AbandonAsync()
        {
            BlobReadResult? stream;
            lock (_gate)
            {
                _isAbandoned = true;
                if (!_isOver) Interlocked.Increment(ref loads._abandoned);
                stream = _stream;
                _stream = null;
            }

            if (stream is not null) await stream.DisposeAsync().ConfigureAwait(false);
        }

        private void End(Action done)
        {
            done();
            lock (_gate)
            {
                _isOver = true;
                if (_isAbandoned) Interlocked.Decrement(ref loads._abandoned);
            }
        }

        private async ValueTask OfferAsync(BlobReadResult result)
        {
            lock (_gate)
            {
                if (!_isAbandoned)
                {
                    _stream = result;
                    return;
                }
            }

            await result.DisposeAsync().ConfigureAwait(false);
        }
    }
}
