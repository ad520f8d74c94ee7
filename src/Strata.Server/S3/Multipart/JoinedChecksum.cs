using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;

namespace Strata.Server;

/// <summary>The checksum of an object from those of its parts: combined, or the checksum of the checksums.</summary>
internal sealed class JoinedChecksum(ChecksumAlgorithm algorithm, bool isComposite)
{
    private readonly ArrayBufferWriter<byte> _digests = new();
    private ulong _crc;
    private int _parts;

    /// <summary>The next part.</summary>
    /// <param name="digest">Its checksum, in network byte order.</param>
    /// <param name="length">Its bytes.</param>
    public void Append(ReadOnlySpan<byte> digest, long length)
    {
        _parts++;
        if (isComposite) _digests.Write(digest);
        else _crc = Combine(_crc, digest.Length == 8 ? BinaryPrimitives.ReadUInt64BigEndian(digest) : BinaryPrimitives.ReadUInt32BigEndian(digest), length);
    }

    /// <summary>The checksum of all parts.</summary>
    public S3Checksum Result()
    {
        if (!isComposite) return S3Checksum.Of(algorithm, algorithm == ChecksumAlgorithm.Crc64Nvme ? PayloadDigest.BigEndian(_crc) : PayloadDigest.BigEndian((uint)_crc));
        using var digest = new PayloadDigest([algorithm]);
        digest.Append(_digests.WrittenSpan);
        string value = Convert.ToBase64String(digest.Of(algorithm));
        return new S3Checksum(algorithm, string.Create(CultureInfo.InvariantCulture, $"{value}-{_parts}"), IsComposite: true);
    }

    private ulong Combine(ulong first, ulong second, long length) => algorithm switch
    {
        ChecksumAlgorithm.Crc32 => ReflectedCrc.Crc32.Combine(first, second, length),
        ChecksumAlgorithm.Crc64Nvme => ReflectedCrc.Crc64Nvme.Combine(first, second, length),
        ChecksumAlgorithm.Crc32C => Crc32C.Combine((uint)first, (uint)second, length),
        _ => throw new InvalidOperationException($"{algorithm} of a whole does not follow from its parts."),
    };
}
