using System.Runtime.InteropServices;

namespace Strata;

/// <summary>An entry in the memory of a <see cref="LogHintBuilder"/>; its key follows.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct LogHintRecord
{
    public ulong Sequence;
    public long Expires;
    public uint Offset;
    public uint UnitsAndFlags;
    public ushort KeyLength;
    private fixed byte _key[2];

    public readonly uint Units => UnitsAndFlags & 0xFF_FFFF;

    public readonly LogEntryFlags Flags => (LogEntryFlags)(UnitsAndFlags >> 24);

    /// <summary>The key. Records do not move while somebody has it.</summary>
    public byte* KeyAt => (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _key[0]);

    public ReadOnlySpan<byte> Key => new(KeyAt, KeyLength);

    public static int LengthOf(int keyLength) => (sizeof(LogHintRecord) - 2 + keyLength + (LogEntryHeader.Alignment - 1)) & -LogEntryHeader.Alignment;
}
