namespace Strata;

/// <summary>Makes the names in the <c>values</c> folder durable. Those who wait for it at one time share one sync.</summary>
internal sealed class ValueFolder(ILogDisk disk)
{
    private readonly Lock _syncing = new();
    private long _changes;
    private long _tried;
    private long _failed;
    private Exception? _failure;

    /// <summary>Notes that a name has changed; called after that.</summary>
    /// <returns>What to give to <see cref="Sync"/>.</returns>
    public long Changed() => Interlocked.Increment(ref _changes);

    /// <summary>Returns when a change is on the medium.</summary>
    /// <exception cref="IOException">It is in doubt, and stays so: what one sync fails to put there, the next may take for done.</exception>
    public void Sync(long change)
    {
        if (change == 0) return;
        lock (_syncing)
        {
            if (_tried < change)
            {
                _tried = Interlocked.Read(ref _changes);
                try
                {
                    disk.SyncFolder(ValueFile.Folder);
                }
                catch (Exception e)
                {
                    (_failed, _failure) = (_tried, e);
                    throw;
                }
            }

            if (change <= _failed) throw new IOException($"The folder {ValueFile.Folder} could not be synced; it is in doubt whether a file is there. {_failure!.Message}", _failure);
        }
    }
}
