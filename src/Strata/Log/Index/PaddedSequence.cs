using System.Runtime.InteropServices;

namespace Strata;

/// <summary>A sequence lock's count: odd while a change is made. Alone on its cache lines, for every reader reads it.</summary>
[StructLayout(LayoutKind.Explicit, Size = 192)]
internal struct PaddedSequence
{
    [FieldOffset(64)]
    private long _value;

    /// <summary>Before anything is changed. One writer at a time.</summary>
    public void Begin()
    {
        Volatile.Write(ref _value, _value + 1);

        // The first write of the change may not be seen before the count is odd.
        Volatile.WriteBarrier();
    }

    /// <summary>After all is changed.</summary>
    public void End() => Volatile.Write(ref _value, _value + 1);

    /// <summary>Before reading. False: a change is being made.</summary>
    public readonly bool TryRead(out long value)
    {
        value = Volatile.Read(in _value);
        return (value & 1) == 0;
    }

    /// <summary>After reading: true if nothing changed meanwhile.</summary>
    public readonly bool IsStill(long value)
    {
        // What was read before may not be read after the count is compared.
        Volatile.ReadBarrier();
        return Volatile.Read(in _value) == value;
    }
}
