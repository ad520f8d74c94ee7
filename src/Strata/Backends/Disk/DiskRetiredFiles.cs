using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Value files that no blob names any more. They may be written anew only when the change that let them go is on the
/// medium: else a power cut would bring the blob back, and another's bytes with it.
/// </summary>
/// <param name="log">Whose durability counts.</param>
/// <param name="values">Where the files are.</param>
/// <param name="isDurable">A commit is on the medium when it is over.</param>
/// <param name="capacity">What the store may hold, bytes; null if only the disk bounds it.</param>
/// <param name="logger">Where failures are reported.</param>
internal sealed class DiskRetiredFiles(LogEngine log, ValueFiles values, bool isDurable, long? capacity, ILogger logger)
{
    /// <summary>About so many bytes wait at most until somebody flushes for them: they take room on the disk, and count no more for the store.</summary>
    private readonly long _mostBytes = Math.Clamp((capacity ?? long.MaxValue) / 8, 1 << 20, 64 << 20);

    private readonly Lock _gate = new();
    private List<ulong> _waiting = [];
    private long _bytes;
    private Task _flushing = Task.CompletedTask;
    private bool _isFlushing;

    /// <summary>Lets files go that a commit took out of use.</summary>
    public void Add(List<(ulong Id, long Length)> files)
    {
        lock (_gate)
        {
            if (!isDurable)
            {
                foreach ((ulong id, long length) in files)
                {
                    _waiting.Add(id);
                    _bytes += length;
                }

                if (_bytes < _mostBytes || _isFlushing) return;
                _isFlushing = true;
                _flushing = Task.Run(FlushWhileManyAsync);
                return;
            }
        }

        foreach ((ulong id, _) in files) values.Retire(id);
    }

    /// <summary>Puts what was committed so far on the medium, and lets the files go that wait for it.</summary>
    public async ValueTask FlushAsync()
    {
        List<ulong> files;
        lock (_gate)
        {
            if (_waiting.Count == 0) return;
            files = _waiting;
            _waiting = [];
            _bytes = 0;
        }

        try
        {
            await log.FlushAsync().ConfigureAwait(false);
            foreach (ulong id in files) values.Retire(id);
        }
        catch (StorageException e)
        {
            // They stay until the store is opened next, which asks the log.
            logger.LogWarning(e, "{Count} value files cannot be given free yet", files.Count);
        }
    }

    /// <summary>Flushes a last time; nothing may be added any more.</summary>
    public async ValueTask CloseAsync()
    {
        await _flushing.ConfigureAwait(false);
        await FlushAsync().ConfigureAwait(false);
    }

    private async Task FlushWhileManyAsync()
    {
        while (true)
        {
            await FlushAsync().ConfigureAwait(false);
            lock (_gate)
            {
                if (_bytes >= _mostBytes) continue;
                _isFlushing = false;
                return;
            }
        }
    }
}
