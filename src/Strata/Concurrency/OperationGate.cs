namespace Strata;

/// <summary>Counts the operations under way, so that closing, or a pause, can refuse new ones and wait for the last.</summary>
internal sealed class OperationGate(string store)
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _quiet;
    private string? _paused;
    private int _active;
    private bool _closed;

    /// <summary>Begins an operation; dispose what is returned at its end.</summary>
    /// <exception cref="StorageException">Of kind Closed or, while there is a pause, Changed.</exception>
    public Pass Enter(string operation)
    {
        lock (_gate)
        {
            if (_closed) throw StorageException.Closed(operation, store);
            if (_paused is { } why) throw new StorageException(StorageErrorKind.Changed, why) { Operation = operation, Store = store, IsTransient = true };
            _active++;
            return new Pass(this);
        }
    }

    /// <summary>Refuses new operations until <see cref="Resume"/>, and waits for those under way; if it is given up, there is no pause.</summary>
    /// <param name="why">What those that are refused are told.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask PauseAsync(string why, CancellationToken cancellationToken)
    {
        TaskCompletionSource quiet = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_closed) throw StorageException.Closed("pause", store);
            if (_paused is not null) throw new InvalidOperationException($"The store '{store}' is paused already.");
            _paused = why;
            _quiet = quiet;
            if (_active == 0) quiet.SetResult();
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
        lock (_gate) (_paused, _quiet) = (null, null);
    }

    /// <summary>Refuses new operations and waits for those under way.</summary>
    /// <returns>True for the one call that closed the gate, false for later ones.</returns>
    public async ValueTask<bool> CloseAsync()
    {
        lock (_gate)
        {
            if (_closed) return false;
            _closed = true;
            if (_active == 0) _drained.TrySetResult();
        }

        await _drained.Task.ConfigureAwait(false);
        return true;
    }

    private void Exit()
    {
        lock (_gate)
        {
            if (--_active > 0) return;
            _quiet?.TrySetResult();
            if (_closed) _drained.TrySetResult();
        }
    }

    /// <summary>An operation under way.</summary>
    public readonly struct Pass(OperationGate gate) : IDisposable
    {
        public void Dispose() => gate.Exit();
    }
}
