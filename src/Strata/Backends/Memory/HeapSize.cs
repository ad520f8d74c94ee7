namespace Strata;

/// <summary>Bytes that objects take on the heap of a 64-bit process, headers and padding included.</summary>
internal static class HeapSize
{
    private const int ArrayHeader = 24;
    private const int StringHeader = 22;

    public static long OfBytes(long length) => Align(ArrayHeader + length);

    /// <summary>An array of references; an empty one is shared and takes nothing.</summary>
    public static long OfReferences(long length) => length == 0 ? 0 : OfBytes(length * IntPtr.Size);

    public static long OfText(string? text) => text is null ? 0 : Align(StringHeader + (2L * text.Length));

    private static long Align(long bytes) => (bytes + 7) & ~7L;
}
