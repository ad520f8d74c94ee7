using System.Buffers.Binary;

namespace Strata.Workload;

/// <summary>What a writer was told, and when.</summary>
/// <param name="Writer">Which one.</param>
/// <param name="Result">What.</param>
/// <param name="Number">Of which step.</param>
/// <param name="At">When: ticks of the clock that all processes of a machine share, and that nobody sets.</param>
internal readonly record struct Acknowledgement(int Writer, StepResult Result, long Number, long At)
{
    private const int Bytes = 24;

    /// <summary>All that a file holds.</summary>
    public static List<Acknowledgement> ReadAll(string path)
    {
        var all = new List<Acknowledgement>();
        if (!File.Exists(path)) return all;
        ReadOnlySpan<byte> bytes = File.ReadAllBytes(path);
        for (; bytes.Length >= Bytes; bytes = bytes[Bytes..])
        {
            all.Add(new Acknowledgement(
                BinaryPrimitives.ReadInt32LittleEndian(bytes), (StepResult)BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[16..])));
        }

        return all;
    }

    /// <summary>Adds it to a file: once this returns, a kill does not take it back.</summary>
    public void AddTo(FileStream file)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, Writer);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], (int)Result);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], Number);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], At);
        lock (file) file.Write(bytes);
    }
}
