using System.Collections.Concurrent;

namespace Strata;

/// <summary>A layer at work: what it has missed, and how it has answered.</summary>
internal sealed class Replica(FanoutLayer layer, Outbox? outbox)
{
    private readonly ConcurrentDictionary<BlobKey, Task> _laggards = new();
    private readonly StripedCounter _hits = new(), _misses = new(), _errors = new();
    private volatile string? _lastError;

    public string Name => layer.Name;

    public IBlobStore Store => layer.Store;

    /// <summary>Null: it is only read.</summary>
    public Outbox? Outbox => outbox;

    public bool IsWritten => outbox is not null;

    /// <summary>Whether an older state that comes late is refused by the store itself.</summary>
    public bool ComparesVersions { get; } = layer.Store.Capabilities.Conditions.HasFlag(WriteConditionKind.IfOlder);

    /// <summary>Keys for which it is not asked.</summary>
    public MissedKeys Missed { get; } = new();

    public FanoutLayerStatus Status => new()
    {
        Name = Name, IsWritten = IsWritten, Hits = _hits.Value, Misses = _misses.Value, Errors = _errors.Value, LastError = _lastError, Pending = Missed.Count, UnreachableSince = outbox?.GetProgress().UnreachableSince,
    };

    /// <summary>Asks the store for a blob; what it throws names the layer.</summary>
    public async ValueTask<T?> AskAsync<T>(Func<IBlobStore, ValueTask<T?>> call)
        where T : class
    {
        try
        {
            T? found = await call(Store).ConfigureAwait(false);
            (found is null ? _misses : _hits).Increment();
            return found;
        }
        catch (StorageException e)
        {
            throw Named(e);
        }
    }

    /// <summary>Calls the store; what it throws names the layer.</summary>
    public async ValueTask<T> CallAsync<T>(Func<IBlobStore, ValueTask<T>> call)
    {
        try
        {
            return await call(Store).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            throw Named(e);
        }
    }

    public void NoteError(string message)
    {
        _errors.Increment();
        _lastError = message;
    }

    /// <summary>A change that its caller does not wait for any more.</summary>
    public void Lags(BlobKey key, Task attempt) => _laggards[key] = attempt;

    /// <summary>Waits for a change of a key that nobody waits for.</summary>
    public async ValueTask CaughtUpAsync(BlobKey key, CancellationToken cancellationToken)
    {
        if (!_laggards.TryGetValue(key, out Task? attempt)) return;
        await attempt.WaitAsync(cancellationToken).ConfigureAwait(false);
        _laggards.TryRemove(new(key, attempt));
    }

    private StorageException Named(StorageException e)
    {
        NoteError(e.Message);
        return new StorageException(e.Kind, $"Layer '{Name}': {e.Message}", e) { Outcome = e.Outcome, IsTransient = e.IsTransient, Operation = e.Operation, Key = e.Key, Store = e.Store };
    }
}
