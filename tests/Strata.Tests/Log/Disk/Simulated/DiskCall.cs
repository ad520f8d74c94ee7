using System.Globalization;

namespace Strata.Tests;

/// <summary>A call of a <see cref="SimulatedDisk"/>.</summary>
/// <param name="Number">Counted from 1 among all calls.</param>
/// <param name="Operation">What it asks for.</param>
/// <param name="Name">The file or folder.</param>
/// <param name="Offset">Where, bytes.</param>
/// <param name="Length">How many bytes, or the length to be had.</param>
/// <param name="Change">Counted from 1 among those that change what is written or durable; 0 for others.</param>
/// <param name="Count">Counted from 1 among those of this operation.</param>
/// <param name="To">The new name, of a rename.</param>
internal readonly record struct DiskCall(int Number, DiskOperation Operation, string Name, long Offset, long Length, int Change, int Count, string? To = null)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Number}{(Change > 0 ? $" (change {Change})" : "")} {Operation} {Name}{(To is null ? "" : $" -> {To}")} {Offset}+{Length}");
}
