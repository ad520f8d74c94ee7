namespace Strata;

/// <summary>A part's file, as a manifest lists it.</summary>
/// <param name="Number">The part's number in its upload.</param>
/// <param name="Checksum">CRC-32C of the payload.</param>
/// <param name="Length">Payload bytes.</param>
/// <param name="Sequence">The file's sequence, which tells it from an older part of the same number.</param>
/// <param name="FileBytes">Bytes of the whole file.</param>
internal readonly record struct DiskPart(int Number, uint Checksum, long Length, ulong Sequence, long FileBytes);
