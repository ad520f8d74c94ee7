using System.Diagnostics.CodeAnalysis;

namespace Strata.Testing;

/// <summary>
/// Holds chosen calls at a gate until the test opens it, so that a race is staged and not hoped for; or delays every
/// call by a fixed time on the context's clock.
/// </summary>
/// <remarks>
/// Owns the wrapped store. Bytes are served as streams only, so that <see cref="StoreOperation.ReadStream"/> can be held.
/// A call held after its change was made is no longer cancelled. The facets that only watch (statistics, evictions) are
/// passed on, and uploads in parts, call by call; no other is.
/// </remarks>
/// <param name="inner">The wrapped store.</param>
/// <param name="context">Whose clock <see cref="Delay"/> is measured on; null for the system's.</param>
public sealed class LatencyStore(IBlobStore inner, StoreContext? context = null) : IBlobStore, ICallHook
{
    private readonly TimeProvider _clock = (context ?? StoreContext.Default).Clock;
    private readonly Lock _lock = new();
    private readonly CallCounter _calls = new();
    private StoreGate[] _gates = [];
    private long _delayTicks;

    /// <summary>How long every call of the store (not of its writers and streams) waits before it is passed on. Default none.</summary>
    public TimeSpan Delay
    {
        get => TimeSpan.FromTicks(Volatile.Read(ref _delayTicks));
        set => Volatile.Write(ref _delayTicks, value.Ticks);
    }

    /// <inheritdoc/>
    public StoreCapabilities Capabilities => inner.Capabilities;

    /// <summary>Calls of an operation so far, held ones included.</summary>
    public long CountOf(StoreOperation operation) => _calls.CountOf(operation);

    /// <summary>Holds the calls that a predicate chooses, before or after the wrapped store does them.</summary>
    public StoreGate Hold(Func<StoreCall, bool> when, CallMoment moment = CallMoment.Before)
    {
        ArgumentNullException.ThrowIfNull(when);
        var gate = new StoreGate(when, moment);
        lock (_lock) _gates = [.. _gates.Where(g => !g.IsOpen), gate];
        return gate;
    }

    /// <summary>Holds every call of an operation.</summary>
    public StoreGate Hold(StoreOperation operation, CallMoment moment = CallMoment.Before) => Hold(call => call.Operation == operation, moment);

    /// <inheritdoc/>
    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.Stat, key, () => inner.StatAsync(key, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        BlobReadResult? result = await RunAsync(StoreOperation.Read, key, () => inner.ReadAsync(key, options, cancellationToken), cancellationToken).ConfigureAwait(false);
        return StreamedReadResult.Of(result, stream => new HookedStream(stream, token =>
            PassAsync(_calls.Next(StoreOperation.ReadStream, key), CallMoment.Before, token)));
    }

    /// <inheritdoc/>
    public ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.Write, key, () => inner.WriteAsync(key, content, options, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        RunAsync<IBlobWriter>(
            StoreOperation.OpenWriter,
            key,
            async () => new Writer(this, key, StoreOperation.Commit, await inner.OpenWriterAsync(key, options, cancellationToken).ConfigureAwait(false)),
            cancellationToken);

    /// <inheritdoc/>
    public ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.Delete, key, () => inner.DeleteAsync(key, condition, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.DeleteMany, default, () => inner.DeleteManyAsync(keys, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.Update, key, () => inner.UpdateAsync(key, changes, condition, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.Copy, target, () => inner.CopyAsync(source, target, options, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.List, default, () => inner.ListPageAsync(request, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class => PassedFacets.TryGet(inner, this, out facet);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    ValueTask<T> ICallHook.RunAsync<T>(StoreOperation operation, BlobKey key, Func<ValueTask<T>> run, CancellationToken cancellationToken) =>
        RunAsync(operation, key, run, cancellationToken);

    IBlobWriter ICallHook.Wrap(IBlobWriter writer, BlobKey key, StoreOperation commit) => new Writer(this, key, commit, writer);

    private async ValueTask<T> RunAsync<T>(StoreOperation operation, BlobKey key, Func<ValueTask<T>> run, CancellationToken cancellationToken)
    {
        if (Delay > TimeSpan.Zero) await Task.Delay(Delay, _clock, cancellationToken).ConfigureAwait(false);
        StoreCall call = _calls.Next(operation, key);
        await PassAsync(call, CallMoment.Before, cancellationToken).ConfigureAwait(false);
        T result = await run().ConfigureAwait(false);
        await PassAsync(call, CallMoment.After, CancellationToken.None).ConfigureAwait(false);
        return result;
    }

    private async ValueTask PassAsync(StoreCall call, CallMoment moment, CancellationToken cancellationToken)
    {
        foreach (StoreGate gate in Volatile.Read(ref _gates))
        {
            if (gate.Moment == moment && gate.When(call)) await gate.PassAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private sealed class Writer(LatencyStore store, BlobKey key, StoreOperation commit, IBlobWriter writer) : IBlobWriter
    {
        public long Length => writer.Length;

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            StoreCall call = store._calls.Next(StoreOperation.Append, key);
            await store.PassAsync(call, CallMoment.Before, cancellationToken).ConfigureAwait(false);
            await writer.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
            await store.PassAsync(call, CallMoment.After, cancellationToken).ConfigureAwait(false);
        }

        public async ValueTask<WriteResult> CommitAsync(CommitOptions? options, CancellationToken cancellationToken)
        {
            StoreCall call = store._calls.Next(commit, key);
            await store.PassAsync(call, CallMoment.Before, cancellationToken).ConfigureAwait(false);
            WriteResult result = await writer.CommitAsync(options, cancellationToken).ConfigureAwait(false);
            await store.PassAsync(call, CallMoment.After, CancellationToken.None).ConfigureAwait(false);
            return result;
        }

        public ValueTask DisposeAsync() => writer.DisposeAsync();
    }
}
