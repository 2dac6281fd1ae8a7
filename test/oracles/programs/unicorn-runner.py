"""Runs the programs of a file in Unicorn, in ring 0 at the addresses that a kernel has; see cases.ts.

unicorn-runner.py CASES OUT CODE DATA STACK, the last three addresses in hexadecimal.
"""

import struct
import sys

from unicorn import Uc, UcError, UC_ARCH_X86, UC_MODE_64, UC_PROT_ALL
from unicorn import x86_const as x86

DATA_WORDS, STACK_WORDS, CODE_BYTES, MOST_STEPS = 8, 32, 256, 400
IN = 3 + 16 + DATA_WORDS + STACK_WORDS
names = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
registers = [getattr(x86, "UC_X86_REG_" + n.upper()) for n in names]

cases, out, code, data, stack = sys.argv[1], sys.argv[2], *(int(a, 16) for a in sys.argv[3:6])
uc = Uc(UC_ARCH_X86, UC_MODE_64)
for at in (code, data, stack):
    uc.mem_map(at & ~0xFFF, 0x2000, UC_PROT_ALL)

size = IN * 8 + CODE_BYTES
with open(cases, "rb") as source, open(out, "wb") as target:
    while case := source.read(size):
        words = struct.unpack_from(f"<{IN}Q", case)
        rip, end, flags = words[:3]
        uc.mem_write(code, case[IN * 8 :])
        # What was translated at this address before is another program.
        uc.ctl_remove_cache(code, code + CODE_BYTES)
        uc.mem_write(data, case[19 * 8 : (19 + DATA_WORDS) * 8])
        uc.mem_write(stack, case[(19 + DATA_WORDS) * 8 : IN * 8])
        for register, value in zip(registers, words[3:19]):
            uc.reg_write(register, value)
        uc.reg_write(x86.UC_X86_REG_EFLAGS, flags)
        ended = 0
        try:
            uc.emu_start(rip, end, count=MOST_STEPS)
            if uc.reg_read(x86.UC_X86_REG_RIP) != end:
                ended = 1000
        except UcError as error:
            ended = error.errno
        values = [uc.reg_read(r) for r in registers]
        target.write(struct.pack("<18Q", ended, uc.reg_read(x86.UC_X86_REG_EFLAGS), *values))
        target.write(uc.mem_read(data, DATA_WORDS * 8))
        target.write(uc.mem_read(stack, STACK_WORDS * 8))
