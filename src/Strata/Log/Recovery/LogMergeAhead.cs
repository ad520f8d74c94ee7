using System.Runtime.ExceptionServices;

namespace Strata;

/// <summary>
/// Gives what a <see cref="LogMerge"/> gives, and merges ahead on a thread of its own meanwhile: reading, verifying and
/// merging hints takes as long as building the index of them. What fits into one batch needs no thread.
/// </summary>
/// <param name="merge">What is taken from.</param>
/// <param name="isThreaded">False: merges when it is asked.</param>
/// <remarks>For one caller. Memory: 1.2 MiB. A failure of the thread is thrown where the batch that it could not fill is asked for.</remarks>
internal sealed class LogMergeAhead(LogMerge merge, bool isThreaded) : IDisposable
{
    private const int Batches = 4;
    private readonly LogMergeBatch[] _batches = new LogMergeBatch[isThreaded ? Batches : 1];
    private readonly object _gate = new();
    private Thread? _thread;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Batches filled and batches taken so far: the one that was taken last is the caller's.</summary>
    private long _filled;
    private long _taken;
    private bool _isOver;

    /// <summary>The next entries; valid until the next call. False: there are none.</summary>
    /// <exception cref="IOException">A hint cannot be read any more.</exception>
    /// <exception cref="StorageException">Of kind Corrupt: a hint changed since it was opened.</exception>
    public bool TryTake(out LogMergeBatch batch)
    {
        batch = _batches[0] ??= new LogMergeBatch();
        if (_taken == 0 || _batches.Length == 1)
        {
            _taken = _filled = 1;
            return merge.Fill(batch);
        }

        if (_thread is null && !merge.IsOver) Start();
        lock (_gate)
        {
            // The batch before goes back.
            _taken++;
            Monitor.Pulse(_gate);
            while (_filled < _taken && !_isOver && _thread is not null) Monitor.Wait(_gate);
            if (_filled >= _taken)
            {
                batch = _batches[(_taken - 1) % Batches];
                return true;
            }
        }

        _failure?.Throw();
        return false;
    }

    /// <summary>Ends the thread; only then may the sources go.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
            Monitor.PulseAll(_gate);
        }

        _thread?.Join();
    }

    private void Start()
    {
        _thread = new Thread(Work) { IsBackground = true, Name = "strata-merge" };
        _thread.Start();
    }

    private void Work()
    {
        try
        {
            while (WaitForRoom() is { } batch && merge.Fill(batch))
            {
                lock (_gate)
                {
                    _filled++;
                    Monitor.Pulse(_gate);
                }
            }
        }
        catch (Exception e)
        {
            // It is the caller's, whatever it is.
            _failure = ExceptionDispatchInfo.Capture(e);
        }
        finally
        {
            lock (_gate)
            {
                _isOver = true;
                Monitor.Pulse(_gate);
            }
        }
    }

    /// <summary>A batch to fill, or null when no more are wanted.</summary>
    private LogMergeBatch? WaitForRoom()
    {
        lock (_gate)
        {
            // The one that the caller has is not to be touched.
            while (_filled - _taken >= Batches - 1 && !_isOver) Monitor.Wait(_gate);
            return _isOver ? null : _batches[_filled % Batches] ??= new LogMergeBatch();
        }
    }
}
