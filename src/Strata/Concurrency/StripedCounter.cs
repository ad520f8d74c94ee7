using System.Runtime.InteropServices;

namespace Strata;

/// <summary>A counter that many threads raise without contending for one cache line.</summary>
internal sealed class StripedCounter
{
    private readonly Cell[] _cells = new Cell[Math.Max(2, Environment.ProcessorCount * 2)];

    /// <summary>The sum; exact once writers are quiet.</summary>
    public long Value
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < _cells.Length; i++) sum += Interlocked.Read(ref _cells[i].Value);
            return sum;
        }
    }

    public void Increment() => Add(1);

    public void Add(long count) => Interlocked.Add(ref _cells[(uint)Thread.GetCurrentProcessorId() % (uint)_cells.Length].Value, count);

    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Cell
    {
        [FieldOffset(64)]
        public long Value;
    }
}
