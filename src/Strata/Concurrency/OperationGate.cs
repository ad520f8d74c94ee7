namespace Strata;

/// <summary>Counts the operations under way, so that closing can refuse new ones and wait for the last.</summary>
internal sealed class OperationGate(string store)
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _active;
    private bool _closed;

    /// <summary>Begins an operation; dispose what is returned at its end.</summary>
    /// <exception cref="StorageException">Of kind Closed.</exception>
    public Pass Enter(string operation)
    {
        lock (_gate)
        {
            if (_closed) throw StorageException.Closed(operation, store);
            _active++;
            return new Pass(this);
        }
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
            if (--_active == 0 && _closed) _drained.TrySetResult();
        }
    }

    /// <summary>An operation under way.</summary>
    public readonly struct Pass(OperationGate gate) : IDisposable
    {
        public void Dispose() => gate.Exit();
    }
}
