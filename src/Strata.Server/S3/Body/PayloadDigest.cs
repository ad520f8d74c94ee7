using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Strata.Server;

/// <summary>
/// The digests of a body as it passes: always MD5 (S3's ETag) and CRC-32C (what stores keep), others where a client named them.
/// </summary>
internal sealed class PayloadDigest : IDisposable
{
    private readonly IncrementalHash _md5 = Create(HashAlgorithmName.MD5);
    private readonly IncrementalHash? _sha1;
    private readonly IncrementalHash? _sha256;
    private readonly bool _hasCrc32;
    private readonly bool _hasCrc64;
    private Crc32C _crc32C;
    private ulong _crc32;
    private ulong _crc64;
    private byte[]? _md5Result;

    public PayloadDigest(IEnumerable<ChecksumAlgorithm> algorithms)
    {
        foreach (ChecksumAlgorithm algorithm in algorithms)
        {
            switch (algorithm)
            {
                case ChecksumAlgorithm.Crc32: _hasCrc32 = true; break;
                case ChecksumAlgorithm.Crc64Nvme: _hasCrc64 = true; break;
                case ChecksumAlgorithm.Sha1: _sha1 ??= Create(HashAlgorithmName.SHA1); break;
                case ChecksumAlgorithm.Sha256: _sha256 ??= Create(HashAlgorithmName.SHA256); break;
                default: break;
            }
        }
    }

    /// <summary>Bytes appended.</summary>
    public long Length { get; private set; }

    /// <summary>CRC-32C so far.</summary>
    public uint Checksum => _crc32C.Value;

    /// <summary>MD5 in lower-case hexadecimal, the ETag that S3 gives. After the last byte.</summary>
    public string ETag => Convert.ToHexStringLower(Md5());

    public void Append(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        _md5.AppendData(bytes);
        _crc32C.Append(bytes);
        _sha1?.AppendData(bytes);
        _sha256?.AppendData(bytes);
        if (_hasCrc32) _crc32 = ReflectedCrc.Crc32.Append(_crc32, bytes);
        if (_hasCrc64) _crc64 = ReflectedCrc.Crc64Nvme.Append(_crc64, bytes);
    }

    /// <summary>A digest that was asked for at creation, in network byte order. After the last byte.</summary>
    public byte[] Of(ChecksumAlgorithm algorithm) => algorithm switch
    {
        ChecksumAlgorithm.Md5 => Md5(),
        ChecksumAlgorithm.Crc32 => BigEndian((uint)_crc32),
        ChecksumAlgorithm.Crc32C => BigEndian(_crc32C.Value),
        ChecksumAlgorithm.Crc64Nvme => BigEndian(_crc64),
        ChecksumAlgorithm.Sha1 => _sha1!.GetCurrentHash(),
        ChecksumAlgorithm.Sha256 => _sha256!.GetCurrentHash(),
        _ => throw new InvalidOperationException($"Unknown checksum {algorithm}."),
    };

    public static byte[] BigEndian(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    public void Dispose()
    {
        _md5.Dispose();
        _sha1?.Dispose();
        _sha256?.Dispose();
    }

    public static byte[] BigEndian(ulong value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }

    private byte[] Md5() => _md5Result ??= _md5.GetHashAndReset();

    // S3's protocol names MD5 and SHA-1; here they find damage, not forgery.
    private static IncrementalHash Create(HashAlgorithmName name) => IncrementalHash.CreateHash(name);
}
