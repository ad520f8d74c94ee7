using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Strata;

/// <summary>Memory that will be read soon is asked for ahead, so that it is waited for once and not line by line. Where the processor cannot be asked, nothing happens.</summary>
internal static unsafe class CacheLines
{
    private const int LineBytes = 64;

    /// <summary>Asks for some bytes. Any address will do: one that cannot be read is left alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* from, int bytes)
    {
        if (!Sse.IsSupported) return;
        byte* end = from + bytes;
        for (byte* line = from - ((nuint)from % LineBytes); line < end; line += LineBytes) Sse.Prefetch0(line);
    }
}
