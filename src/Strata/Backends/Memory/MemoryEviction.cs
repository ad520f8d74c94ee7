namespace Strata;

/// <summary>
/// What a shard evicts: S3-FIFO (Yang et al., 2023) with the share of its queues adapted as in ARC (Megiddo and Modha,
/// 2003); docs/adr/0001-memory-eviction.md says why. Not safe for concurrent use.
/// </summary>
/// <remarks>
/// New entries stand in the small queue. Its oldest goes, and leaves its name, or, if it was read meanwhile, moves to the
/// main queue, whose oldest goes round again as long as it was read. An entry whose name is still known has left too early:
/// the share of the queue that it left grows, and if that was the small one it goes straight to the main queue.
/// </remarks>
internal sealed class MemoryEviction(MemoryBalance balance)
{
    /// <summary>Rounds of the main queue that reads can earn.</summary>
    private const int MostRounds = 2;

    private readonly MemoryQueue _small = new(MemoryPlace.Small);
    private readonly MemoryQueue _main = new(MemoryPlace.Main);
    private readonly MemoryGhosts _ghosts = new();

    /// <summary>What queues and names take on the heap.</summary>
    public long HeapBytes => _small.HeapBytes + _main.HeapBytes + _ghosts.HeapBytes;

    private int Count => _small.Count + _main.Count;

    private long Bytes => _small.Bytes + _main.Bytes;

    /// <param name="blob">The entry of a key that had none.</param>
    /// <param name="budget">The bytes that the whole store has.</param>
    public void Add(MemoryBlob blob, long budget) => (IsWorthKeeping(blob, budget) ? _main : _small).Add(blob);

    public void Replace(MemoryBlob blob, MemoryBlob by)
    {
        QueueOf(blob).Replace(blob, by);
        by.InheritUses(blob);
    }

    public void Remove(MemoryBlob blob) => QueueOf(blob).Remove(blob);

    /// <summary>Takes the entry that has deserved it most out of the queues; null if there is none.</summary>
    public MemoryBlob? Take()
    {
        // Many readers can mark entries as fast as these are passed by: behind all rounds that reads can earn, somebody goes.
        for (int passes = (MostRounds + 1) * Count; ; passes--)
        {
            bool fromSmall = _main.Count == 0 || (_small.Count > 0 && _small.Bytes >= balance.SmallShare * Bytes);
            if ((fromSmall ? _small : _main).TakeOldest() is not { } blob) return null;
            if (blob.Uses == 0 || passes <= 0)
            {
                _ghosts.Add(blob.Hash, !fromSmall, Count + 1);
                return blob;
            }

            blob.ResetUses(fromSmall ? 0 : Math.Min(blob.Uses, MostRounds) - 1);
            _main.Add(blob);
        }
    }

    /// <summary>Whether an entry's name says that it should not have left the small queue; corrects the balance by what was wrong.</summary>
    private bool IsWorthKeeping(MemoryBlob blob, long budget)
    {
        MemoryPlace left = _ghosts.Take(blob.Hash, out uint age);
        if (left == MemoryPlace.None || age > Window(left)) return false;
        double fromSmall = Math.Max(1, _ghosts.FromSmall(Window(MemoryPlace.Small))), fromMain = Math.Max(1, _ghosts.FromMain(Window(MemoryPlace.Main)));
        double share = (double)blob.Size / budget;
        if (left == MemoryPlace.Small) balance.Raise(share * Math.Max(1, fromMain / fromSmall));
        else balance.Lower(share * Math.Max(1, fromSmall / fromMain));
        return left == MemoryPlace.Small;
    }

    /// <summary>How many names of a queue count: a queue and the names that it left are together as long as the store at most.</summary>
    private double Window(MemoryPlace left)
    {
        double small = Bytes == 0 ? 0 : (double)_small.Bytes / Bytes, window = Count * (1 - Math.Min(small, balance.SmallShare));
        return left == MemoryPlace.Small ? window : Count - _ghosts.FromSmall(window);
    }

    private MemoryQueue QueueOf(MemoryBlob blob) => blob.Place == MemoryPlace.Main ? _main : _small;
}
