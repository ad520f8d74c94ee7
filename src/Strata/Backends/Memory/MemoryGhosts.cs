using System.Numerics;

namespace Strata;

/// <summary>
/// The names of entries that eviction took lately, by which it knows them again: 4 bytes a name, of which the hash has 15
/// bits, and the oldest of four that share a place gives way. It may forget a name, and take one in ten thousand for another.
/// Not safe for concurrent use.
/// </summary>
internal sealed class MemoryGhosts
{
    private const int Ways = 4;
    private const int LeastNames = 16;
    private const int FromMainBit = 1 << 15;
    private const int AgeShift = 16;
    private const int AgeSteps = 4096;
    private uint[] _names = [];
    private Trail _small;
    private Trail _main;

    /// <summary>What the names take on the heap.</summary>
    public long HeapBytes => _names.Length == 0 ? 0 : HeapSize.OfBytes(sizeof(uint) * (long)_names.Length);

    /// <summary>How many of the last names that the small queue left have not been taken, about.</summary>
    public double FromSmall(double last) => _small.Left(last);

    /// <summary>How many of the last names that the main queue left have not been taken, about.</summary>
    public double FromMain(double last) => _main.Left(last);

    /// <summary>Notes that an entry was evicted.</summary>
    /// <param name="hash">Its key's hash.</param>
    /// <param name="fromMain">Which queue it left.</param>
    /// <param name="entries">How many entries there are: as many names are kept.</param>
    public void Add(uint hash, bool fromMain, int entries)
    {
        Fit(entries);
        uint added = (fromMain ? ref _main : ref _small).Add(_names.Length);
        Span<uint> set = SetOf(hash, out uint name);
        uint oldestAge = 0;
        int oldest = 0;
        for (int i = 0; i < Ways; i++)
        {
            uint age = set[i] == 0 || IsNamed(set[i], name) ? uint.MaxValue : AgeOf(set[i]);
            if (age <= oldestAge) continue;
            oldestAge = age;
            oldest = i;
        }

        set[oldest] = name | (fromMain ? FromMainBit : 0u) | (StepOf(added) << AgeShift);
    }

    /// <summary>Finds a name and forgets it.</summary>
    /// <param name="hash">A key's hash.</param>
    /// <param name="age">How many names its queue has left since.</param>
    /// <returns>The queue that it left; none if it is not known.</returns>
    public MemoryPlace Take(uint hash, out uint age)
    {
        age = 0;
        if (_names.Length == 0) return MemoryPlace.None;
        foreach (ref uint found in SetOf(hash, out uint name))
        {
            if (found == 0 || !IsNamed(found, name)) continue;
            age = AgeOf(found);
            MemoryPlace left = (found & FromMainBit) != 0 ? MemoryPlace.Main : MemoryPlace.Small;
            found = 0;
            (left == MemoryPlace.Main ? ref _main : ref _small).Take();
            return left;
        }

        return MemoryPlace.None;
    }

    /// <summary>Begins anew where there is room for far fewer or far more names than entries.</summary>
    private void Fit(int entries)
    {
        if (_names.Length >= entries && _names.Length / 8 <= Math.Max(entries, LeastNames)) return;
        _names = new uint[Math.Max(LeastNames, (int)BitOperations.RoundUpToPowerOf2((uint)entries))];
        (_small, _main) = (default, default);
    }

    /// <summary>Where a key's name may be, and the name: 15 bits, not 0.</summary>
    private Span<uint> SetOf(uint hash, out uint name)
    {
        // Bits that a shard and a bucket have in common must not decide both.
        uint mixed = (hash ^ (hash >> 16)) * 0x7FEB352D;
        mixed = (mixed ^ (mixed >> 15)) * 0x846CA68B;
        mixed ^= mixed >> 16;
        name = Math.Max(1, mixed & (FromMainBit - 1));
        return _names.AsSpan((int)((mixed >> 15) & (uint)((_names.Length / Ways) - 1)) * Ways, Ways);
    }

    private static bool IsNamed(uint found, uint name) => (found & (FromMainBit - 1)) == name;

    private uint AgeOf(uint found)
    {
        uint now = StepOf((found & FromMainBit) != 0 ? _main.Added : _small.Added);
        return ((now - (found >> AgeShift)) & ushort.MaxValue) * Step;
    }

    private uint Step => Math.Max(1, (uint)_names.Length / AgeSteps);

    private uint StepOf(uint added) => (added / Step) & ushort.MaxValue;

    /// <summary>What one queue has left, and how much of it was asked for again.</summary>
    private struct Trail
    {
        private double _lately;
        private double _takenLately;

        public uint Added { get; private set; }

        public uint Add(int names)
        {
            if (++_lately > names)
            {
                _lately /= 2;
                _takenLately /= 2;
            }

            return ++Added;
        }

        public void Take() => _takenLately++;

        public readonly double Left(double last) => Math.Min(Added, last) * Math.Max(0, 1 - (_takenLately / Math.Max(1, _lately)));
    }
}
