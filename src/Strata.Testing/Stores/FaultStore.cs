using System.Diagnostics.CodeAnalysis;

namespace Strata.Testing;

/// <summary>Passes every call on, except those that a test wants to fail.</summary>
/// <remarks>
/// Owns the wrapped store. Bytes are served as streams only, so that a fault on <see cref="StoreOperation.ReadStream"/>
/// reaches every reader. The facets that only watch (statistics, evictions) are passed on, and uploads in
/// parts, call by call; no other is.
/// </remarks>
public sealed class FaultStore(IBlobStore inner) : IBlobStore, ICallHook
{
    private readonly Lock _gate = new();
    private readonly List<Armed> _faults = [];
    private readonly CallCounter _calls = new();
    private int _raised;

    /// <summary>Failures raised so far.</summary>
    public int Raised => Volatile.Read(ref _raised);

    /// <inheritdoc/>
    public StoreCapabilities Capabilities => inner.Capabilities;

    /// <summary>Calls of an operation so far, failed ones included.</summary>
    public long CountOf(StoreOperation operation) => _calls.CountOf(operation);

    /// <summary>Raises a fault from now on.</summary>
    public void Inject(StoreFault fault)
    {
        ArgumentNullException.ThrowIfNull(fault);
        lock (_gate) _faults.Add(new Armed(fault));
    }

    /// <summary>Removes all faults.</summary>
    public void Heal()
    {
        lock (_gate) _faults.Clear();
    }

    /// <inheritdoc/>
    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.Stat, key, () => inner.StatAsync(key, cancellationToken));

    /// <inheritdoc/>
    public async ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        StoreCall call = _calls.Next(StoreOperation.Read, key);
        Raise(call, CallMoment.Before);
        BlobReadResult? result = await inner.ReadAsync(key, options, cancellationToken).ConfigureAwait(false);
        try
        {
            Raise(call, CallMoment.After);
        }
        catch
        {
            if (result is not null) await result.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        return StreamedReadResult.Of(result, stream => new HookedStream(stream, _ =>
        {
            Raise(_calls.Next(StoreOperation.ReadStream, key), CallMoment.Before);
            return default;
        }));
    }

    /// <inheritdoc/>
    public ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.Write, key, () => inner.WriteAsync(key, content, options, cancellationToken));

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        RunAsync<IBlobWriter>(StoreOperation.OpenWriter, key, async () =>
            new Writer(this, key, StoreOperation.Commit, await inner.OpenWriterAsync(key, options, cancellationToken).ConfigureAwait(false)));

    /// <inheritdoc/>
    public ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.Delete, key, () => inner.DeleteAsync(key, condition, cancellationToken));

    /// <inheritdoc/>
    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.DeleteMany, default, () => inner.DeleteManyAsync(keys, cancellationToken));

    /// <inheritdoc/>
    public ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.Update, key, () => inner.UpdateAsync(key, changes, condition, cancellationToken));

    /// <inheritdoc/>
    public ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.Copy, target, () => inner.CopyAsync(source, target, options, cancellationToken));

    /// <inheritdoc/>
    public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.List, default, () => inner.ListPageAsync(request, cancellationToken));

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class => PassedFacets.TryGet(inner, this, out facet);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    ValueTask<T> ICallHook.RunAsync<T>(StoreOperation operation, BlobKey key, Func<ValueTask<T>> run, CancellationToken cancellationToken) => RunAsync(operation, key, run);

    IBlobWriter ICallHook.Wrap(IBlobWriter writer, BlobKey key, StoreOperation commit) => new Writer(this, key, commit, writer);

    private async ValueTask<T> RunAsync<T>(StoreOperation operation, BlobKey key, Func<ValueTask<T>> run)
    {
        StoreCall call = _calls.Next(operation, key);
        Raise(call, CallMoment.Before);
        T result = await run().ConfigureAwait(false);
        Raise(call, CallMoment.After);
        return result;
    }

    private void Raise(StoreCall call, CallMoment moment)
    {
        lock (_gate)
        {
            Armed? armed = _faults.Find(f => f.Fault.Moment == moment && f.Fault.When(call) && f.IsDue());
            if (armed is null) return;
            Interlocked.Increment(ref _raised);
            throw armed.Fault.Error?.Invoke(call) ?? new StorageException(armed.Fault.Kind, $"A fault was injected {moment} {call.Operation} of '{call.Key}'.")
            {
                Operation = call.Operation.ToString(),
                Key = call.Key.IsDefault ? null : call.Key,
                Store = Capabilities.Store,
                IsTransient = true,
                Outcome = moment == CallMoment.After && call.IsChange ? WriteOutcome.Unknown : WriteOutcome.NotApplied,
            };
        }
    }

    private sealed class Armed(StoreFault fault)
    {
        private long _seen;

        public StoreFault Fault => fault;

        /// <summary>Counts a matching call; true if it is one to fail.</summary>
        public bool IsDue()
        {
            long position = _seen++ - fault.Skip;
            return position >= 0 && position < fault.Times;
        }
    }

    private sealed class Writer(FaultStore store, BlobKey key, StoreOperation commit, IBlobWriter writer) : IBlobWriter
    {
        public long Length => writer.Length;

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            StoreCall call = store._calls.Next(StoreOperation.Append, key);
            store.Raise(call, CallMoment.Before);
            await writer.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
            store.Raise(call, CallMoment.After);
        }

        public ValueTask<WriteResult> CommitAsync(CommitOptions? options, CancellationToken cancellationToken) =>
            store.RunAsync(commit, key, () => writer.CommitAsync(options, cancellationToken));

        public ValueTask DisposeAsync() => writer.DisposeAsync();
    }
}
