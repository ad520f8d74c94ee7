using System.Buffers;

namespace Strata.Cli;

/// <summary>Values as they are kept, whatever they are; written with one encoding.</summary>
internal sealed class RawCodec(KvEncoding encoding) : IKvCodec<KvValue>
{
    public KvEncoding Encoding => encoding;

    /// <summary>A model that reads any value, and writes those of one encoding.</summary>
    public static Kv Over(IKvDatabase database, KvEncoding encoding = KvEncoding.Bytes) => new(database, new KvOptions { Codecs = KvCodecs.Default.With(new RawCodec(encoding)) });

    public void Write(KvValue value, IBufferWriter<byte> output) => output.Write(value.Data.Span);

    public KvValue Read(KvEncoding encoding, ReadOnlySequence<byte> bytes) => new(bytes.IsSingleSegment ? bytes.First : bytes.ToArray(), encoding);
}
