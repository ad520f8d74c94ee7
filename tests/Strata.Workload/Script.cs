using System.Buffers.Binary;

namespace Strata.Workload;

/// <summary>
/// The steps of all writers and the bytes that they write. All follows from the seed: whoever checks what a store holds
/// needs to know no more than which steps were acknowledged.
/// </summary>
internal sealed class Script(int seed, int keysPerWriter)
{
    /// <summary>Deleted by one step.</summary>
    public const int Several = 4;

    public int KeysPerWriter => keysPerWriter;

    public static BlobKey KeyOf(int writer, int key) => BlobKey.Parse($"w{writer}/k{key:d3}");

    public Step StepOf(int writer, long number)
    {
        ulong random = Random(writer, number);
        int key = (int)(random % (uint)keysPerWriter), size = (int)(random >> 40);
        return (int)((random >> 32) % 100) switch
        {
            < 8 => new Step(StepKind.Delete, key, 0),
            < 11 => new Step(StepKind.DeleteMany, key, 0),
            < 24 => new Step(StepKind.Update, key, 0),
            < 26 => new Step(StepKind.Compose, key, 2 + (size % 200_000)),
            < 28 => new Step(StepKind.Put, key, DiskPayload.MaxInLog + 1 + (size % 100_000)),
            < 60 => new Step(StepKind.Put, key, DiskPayload.MaxWhole + 1 + (size % 20_000)),
            _ => new Step(StepKind.Put, key, size % (DiskPayload.MaxWhole + 1)),
        };
    }

    public byte[] ContentOf(int writer, long number)
    {
        byte[] content = new byte[StepOf(writer, number).Length];
        ulong random = Random(writer, number);
        int at = 0;
        for (; at + sizeof(ulong) <= content.Length; at += sizeof(ulong)) BinaryPrimitives.WriteUInt64LittleEndian(content.AsSpan(at), random = Mixed(random));
        for (; at < content.Length; at++) content[at] = (byte)(random >> (at % 8));
        return content;
    }

    /// <summary>True if the bytes lie in files of their own.</summary>
    public bool IsInFiles(int writer, long number) => StepOf(writer, number) is { Kind: StepKind.Compose } or { Length: > DiskPayload.MaxInLog };

    /// <summary>Makes of what a writer's keys hold what they hold after a step.</summary>
    public void Apply(Held[] held, int writer, long number)
    {
        Step step = StepOf(writer, number);
        switch (step.Kind)
        {
            case StepKind.Put or StepKind.Compose:
                held[step.Key] = new Held(number, number);
                break;
            case StepKind.Update:
                if (held[step.Key].Content > 0) held[step.Key] = held[step.Key] with { Revision = number };
                break;
            case StepKind.Delete:
                held[step.Key] = default;
                break;
            default:
                for (int i = 0; i < Several; i++) held[(step.Key + i) % keysPerWriter] = default;
                break;
        }
    }

    private ulong Random(int writer, long number) => Mixed(Mixed(((ulong)(uint)seed << 32) + (uint)writer) + (ulong)number);

    /// <summary>SplitMix64 (Steele, Lea and Flood, 2014): the same in every process, which hash codes are not.</summary>
    private static ulong Mixed(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
