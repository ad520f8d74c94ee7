namespace Strata;

/// <summary>Counts the operations under way, so that closing, or a pause, can refuse new ones and wait for the last. To pass it while it is open takes no lock.</summary>
internal sealed class OperationGate(string store)
{
    /// <summary>Marks beside the count of operations under way: set and taken away under the latch.</summary>
    private const long Closed = 1L << 62, Paused = 1L << 61, Refusing = Closed | Paused;

    private readonly Lock _latch = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _quiet;
    private string? _paused;
    private long _state;

    private bool IsQuiet => (Volatile.Read(ref _state) & ~Refusing) == 0;

    /// <summary>Begins an operation; dispose what is returned at its end.</summary>
    /// <exception cref="StorageException">Of kind Closed or, while there is a pause, Changed.</exception>
    public Pass Enter(string operation)
    {
        while ((Interlocked.Increment(ref _state) & Refusing) != 0)
        {
            Exit();
            lock (_latch)
            {
                if ((_state & Closed) != 0) throw StorageException.Closed(operation, store);
                if (_paused is { } why) throw new StorageException(StorageErrorKind.Changed, why) { Operation = operation, Store = store, IsTransient = true };
            }
        }

        return new Pass(this);
    }

    /// <summary>Refuses new operations until <see cref="Resume"/>, and waits for those under way; if it is given up, there is no pause.</summary>
    /// <param name="why">What those that are refused are told.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask PauseAsync(string why, CancellationToken cancellationToken)
    {
        TaskCompletionSource quiet = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_latch)
        {
            if ((_state & Closed) != 0) throw StorageException.Closed("pause", store);
            if (_paused is not null) throw new InvalidOperationException($"The store '{store}' is paused already.");
            (_paused, _quiet) = (why, quiet);
            Interlocked.Or(ref _state, Paused);
            if (IsQuiet) quiet.SetResult();
        }

        try
        {
            await quiet.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            Resume();
            throw;
        }
    }

    /// <summary>Ends the pause.</summary>
    public void Resume()
    {
        lock (_latch)
        {
            (_paused, _quiet) = (null, null);
            Interlocked.And(ref _state, ~Paused);
        }
    }

    /// <summary>Refuses new operations and waits for those under way.</summary>
    /// <returns>True for the one call that closed the gate, false for later ones.</returns>
    public async ValueTask<bool> CloseAsync()
    {
        lock (_latch)
        {
            if ((_state & Closed) != 0) return false;
            Interlocked.Or(ref _state, Closed);
            if (IsQuiet) _drained.TrySetResult();
        }

        await _drained.Task.ConfigureAwait(false);
        return true;
    }

    private void Exit()
    {
        long left = Interlocked.Decrement(ref _state);
        if ((left & Refusing) == 0 || (left & ~Refusing) != 0) return;
        lock (_latch)
        {
            // The pause may be another by now, and operations may have begun between the two.
            if (!IsQuiet) return;
            _quiet?.TrySetResult();
            if ((_state & Closed) != 0) _drained.TrySetResult();
        }
    }

    /// <summary>An operation under way.</summary>
    public readonly struct Pass(OperationGate gate) : IDisposable
    {
        public void Dispose() => gate.Exit();
    }
}
