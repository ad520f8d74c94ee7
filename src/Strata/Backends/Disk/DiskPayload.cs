using System.Buffers;

namespace Strata;

/// <summary>The payload of a write, until its commit.</summary>
/// <param name="Length">Bytes.</param>
/// <param name="Checksum">CRC-32C of them.</param>
/// <param name="Bytes">They themselves, where they go into the log.</param>
/// <param name="Files">Else where they are.</param>
internal readonly record struct DiskPayload(long Length, uint Checksum, ReadOnlySequence<byte> Bytes, ValueReference? Files)
{
    /// <summary>Up to so many bytes lie behind the metadata, and are written again when that changes.</summary>
    public const int MaxWhole = 4 << 10;

    /// <summary>Up to so many bytes lie in the log, more in files of their own.</summary>
    public const int MaxInLog = 1 << 20;

    public bool IsWhole => Files is null && Length <= MaxWhole;

    public static DiskPayload Of(in ReadOnlySequence<byte> bytes) => new(bytes.Length, Crc32C.Of(bytes), bytes, null);

    public static DiskPayload Of(ValueReference files, uint checksum) => new(files.Length, checksum, default, files);
}
