using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>
/// Accesses of one thread on their way to a tracker. The thread alone adds, whoever drains alone takes, and neither waits: what
/// finds the ring full is counted, as are those that come soon after it, and what is there stands for them.
/// </summary>
internal sealed class AccessRing(int tracker, Thread thread)
{
    public const int Capacity = 256;
    private const uint Mask = Capacity - 1;

    /// <summary>Who finds the ring full does not look again for so many accesses: that is what a busy thread pays for each of them, a number less.</summary>
    private const int Rest = 255;
    private readonly BlobKey[] _slots = new BlobKey[Capacity];
    private long _accesses;
    private int _resting;
    private uint _head;
    private uint _dropped;
    private uint _tail;
    private uint _droppedBefore;

    /// <summary>The number of the tracker that it belongs to.</summary>
    public int Tracker => tracker;

    /// <summary>False once its thread has ended: nothing is added any more.</summary>
    public bool IsAlive => thread.IsAlive;

    /// <summary>How many accesses its thread has made; it never falls, and is exact once that thread is quiet.</summary>
    public long Accesses => Volatile.Read(ref _accesses);

    /// <summary>Counts an access. Whether it is one of those that those in the ring stand for already; else it is to be added.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Rests()
    {
        _accesses++;
        int resting = _resting;
        if (resting == 0) return false;
        _resting = resting - 1;
        return true;
    }

    /// <summary>Adds an access if there is room, else counts it.</summary>
    /// <returns>True from time to time: there is enough to drain.</returns>
    public bool Add(in BlobKey key)
    {
        uint head = _head;
        if (head - Volatile.Read(ref _tail) < Capacity)
        {
            _slots[head & Mask] = key;
            Volatile.Write(ref _head, ++head);
            return (head & (Mask >> 1)) == 0;
        }

        _resting = Rest;
        Volatile.Write(ref _dropped, _dropped + Rest + 1);
        return true;
    }

    /// <summary>Takes what is there; to be called by one thread at a time.</summary>
    /// <param name="note">Told each key, and for how many accesses it stands: 1, or more where the ring was full.</param>
    /// <returns>How many were dropped.</returns>
    public uint Drain(Action<BlobKey, float> note)
    {
        uint count = Volatile.Read(ref _head) - _tail;
        if (count == 0) return 0;
        uint all = Volatile.Read(ref _dropped), dropped = all - _droppedBefore;
        _droppedBefore = all;
        float weight = 1 + ((float)dropped / count);
        for (uint place = _tail, end = _tail + count; place != end; place++) note(_slots[place & Mask], weight);
        Volatile.Write(ref _tail, _tail + count);
        return dropped;
    }
}
