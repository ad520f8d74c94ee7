using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>The metadata of a blob that was read, as it lies in the log: made a <see cref="BlobInfo"/> when somebody asks, for who wants the bytes alone need not pay for it.</summary>
internal readonly struct DiskBlobHead
{
    private readonly BlobKey _key;
    private readonly long _expires;
    private readonly int _body;
    private readonly int _length;
    private readonly ShortRecord _short;
    private readonly byte[]? _long;

    /// <param name="key">The blob's key.</param>
    /// <param name="entry">The entry that has its metadata; nothing of it is kept.</param>
    public DiskBlobHead(BlobKey key, in LogEntryView entry)
    {
        ReadOnlySpan<byte> record = entry.Head;
        (_key, _expires, _body, _length) = (key, entry.Expires, entry.BodyLength, record.Length);
        if (record.Length > ShortRecord.Bytes) _long = record.ToArray();
        else record.CopyTo(_short);
    }

    public BlobInfo Read() => DiskRecord.Read(_key, _long ?? ((ReadOnlySpan<byte>)_short)[.._length], _expires, _body);

    /// <summary>Most records have neither texts nor metadata, and need no array of their own.</summary>
    [InlineArray(Bytes)]
    private struct ShortRecord
    {
        public const int Bytes = 48;
        private byte _first;
    }
}
