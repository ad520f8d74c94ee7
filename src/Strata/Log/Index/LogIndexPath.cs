using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>A reader's way from the root of a <see cref="LogIndex"/> to a leaf.</summary>
internal struct LogIndexPath
{
    private Steps _ids;
    private Steps _children;

    public int Height { get; set; }

    public readonly uint Id(int level) => _ids[level];

    public readonly int Child(int level) => (int)_children[level];

    public void Set(int level, uint id, int child)
    {
        _ids[level] = id;
        _children[level] = (uint)child;
    }

    [InlineArray(LogIndexTree.MaxHeight)]
    private struct Steps
    {
        private uint _first;
    }
}
