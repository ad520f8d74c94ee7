using Xunit;

namespace Strata.Tests;

/// <summary>Damages what a disk store keeps, where it lies: the store may be open, and have its files mapped.</summary>
internal static class DiskDamage
{
    /// <summary>Flips a bit at a distance from some bytes that the folder's log or value files hold once.</summary>
    public static void Flip(string folder, ReadOnlySpan<byte> near, int distance = 0)
    {
        int found = 0;
        foreach (string file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Where(f => Path.GetExtension(f) is ".seg" or ".val"))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            int at = bytes.AsSpan().IndexOf(near);
            if (at < 0) continue;
            found++;

            // In place: a file that is shortened, be it for a moment, ends a process that has it mapped.
            stream.Position = at + distance;
            stream.WriteByte((byte)(bytes[at + distance] ^ 0x10));
        }

        Assert.True(found == 1, $"the bytes to be damaged were found in {found} files");
    }
}
